import { connect } from './eventstoredb-connection.ts';

describe('connection to EventStoreDB', () => {
  it.each([
    ['esdb://localhost', undefined],
    ['esdb://localhost:2113?tls=false', { username: '', password: '' }],
    ['esdb://admin:change%3Ait@localhost:2113', { username: 'admin', password: 'change:it' }],
    ['esdb+discover://admin:changeit@cluster.example?nodePreference=leader', { username: 'admin', password: 'changeit' }],
    ['esdb://a:b@one:2113,two:2113,three?tls=false&keepAliveInterval=10000', { username: 'a', password: 'b' }],
  ])('takes %s, and asks the leader with the credentials there are', async (url, credentials) => {
    const connection = connect(url);
    expect(connection.call).toEqual({ requiresLeader: true, credentials });
    expect(connection.deadlineMs).toBe(5_000);
  });

  it("takes the deadline of calls from the client's own option", () => {
    expect(connect('esdb://localhost?tls=false&default_deadline=250').deadlineMs).toBe(250);
  });

  it.each([
    ['esdb://admin:s3cret@', 'write esdb://user:password@host:2113'],
    ['http://admin:s3cret@localhost', 'write esdb://user:password@host:2113'],
    ['esdb://admin:s3cret@localhost?colour=red', '"colour" is no option'],
    ['esdb://admin:s3cret@localhost?tlsVerifyCert=false', 'tlsCAFile'],
    ['esdb://admin:s3cret@localhost?nodePreference=best', 'leader or follower'],
    ['esdb://admin:s3cret@localhost:port', "can't be used"],
    ['esdb://admin:s3cret@localhost?tlsCAFile=/nowhere/ca.pem', 'certificate'],
  ])('refuses %s with the way out, and repeats no password', (url, wayOut) => {
    expect(() => connect(url)).toThrow(wayOut);
    expect(() => connect(url)).not.toThrow('s3cret');
  });
});
