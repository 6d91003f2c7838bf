import { type BulkWriteResult, MongoBulkWriteError, MongoNetworkError, MongoServerError, type WriteError } from 'mongodb';
import { Terminal, Transient } from '#contracts';
import { asHouseError, duplicatesIn } from './mongodb-errors.ts';

const bulkError = (...codes: number[]): MongoBulkWriteError => {
  const writeErrors = codes.map((code, index) => ({ code, index: index * 2, errmsg: 'x' }));
  return new MongoBulkWriteError({ message: 'x', code: codes[0]!, writeErrors: writeErrors as unknown as WriteError[] }, {} as BulkWriteResult);
};

describe('what MongoDB answers', () => {
  it.each([
    ['a lost connection', new MongoNetworkError('connection 3 closed')],
    ['a primary that stepped down', new MongoServerError({ code: 189, errmsg: 'stepped down' })],
    ['a shutdown', new MongoServerError({ code: 11600, errmsg: 'shutdown' })],
    ['a conflict of writes', new MongoServerError({ code: 112, errmsg: 'conflict' })],
    ['what the server calls retryable', new MongoServerError({ code: 4242, errmsg: 'x', errorLabels: ['RetryableWriteError'] })],
  ])('passes: %s', (_, error) => {
    const said = asHouseError(error) as Transient;
    expect(said).toBeInstanceOf(Transient);
    expect(said).toMatchObject({ code: 'read_models.unavailable', cause: error });
  });

  it.each([
    ['wrong credentials', new MongoServerError({ code: 18, errmsg: 'auth failed' })],
    ['a missing right', new MongoServerError({ code: 13, errmsg: 'not authorized' })],
    ['a document too large', new MongoServerError({ code: 10334, errmsg: 'too large' })],
  ])('stays: %s', (_, error) => {
    const said = asHouseError(error) as Terminal;
    expect(said).toBeInstanceOf(Terminal);
    expect(said).toMatchObject({ code: 'read_models.refused', blame: 'system' });
  });

  it('is left alone where it is not the driver’s', () => {
    const bug = new TypeError('bug');
    expect(asHouseError(bug)).toBe(bug);
  });

  it('tells writes that were too late from writes that failed', () => {
    expect(duplicatesIn(bulkError(11000, 11000))).toEqual([0, 2]);
    expect(() => duplicatesIn(bulkError(11000, 112))).toThrow(MongoBulkWriteError);
    expect(asHouseError(bulkError(11000, 112))).toBeInstanceOf(Transient);
    expect(asHouseError(bulkError(11000, 10334))).toBeInstanceOf(Terminal);
    expect(() => duplicatesIn(new MongoNetworkError('gone'))).toThrow('gone');
  });
});
