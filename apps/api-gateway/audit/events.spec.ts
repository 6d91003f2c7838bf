import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json, TOKEN } from '../under-test.ts';

interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: Json;
}

describe('events as a stream', () => {
  let gateway: GatewayUnderTest;
  let url: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    await gateway.app.listen(0, '127.0.0.1');
    url = await gateway.app.getUrl();
  });
  afterAll(() => gateway.close());

  /** Reads messages until `enough`, then leaves. */
  async function listen(path: string, enough: (messages: readonly Message[]) => boolean, headers: Record<string, string> = {}): Promise<Message[]> {
    const leaving = new AbortController();
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream', ...headers }, signal: leaving.signal });
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-content-type-options')]).toEqual([200, 'text/event-stream; charset=utf-8', 'nosniff']);
    const messages: Message[] = [];
    let text = '';
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const match = /^id: (.+)\nevent: (.+)\ndata: (.+)$/.exec(text.slice(0, end));
        if (match) messages.push({ id: match[1]!, event: match[2]!, data: JSON.parse(match[3]!) });
        text = text.slice(end + 2);
      }
      if (enough(messages)) break;
    }
    leaving.abort();
    return messages;
  }

  const create = async (name: string): Promise<string> =>
    (await gateway.call('POST', '/v1/docker-services', { environment_id: await gateway.environmentId(), image: 'nginx', replicas: 0, name })).body.docker_service_id;

  it('tells all from the beginning, then what happens, and goes on from Last-Event-ID without gap or double', async () => {
    const live = listen('/v1/events', (messages) => messages.some(({ event, data }) => event === 'DockerServiceCreated' && data.data.name === 'live'));
    await create('live');
    const messages = await live;
    expect(messages[0]).toMatchObject({ event: 'PlanDefined', data: { type: 'PlanDefined', project_id: null, actor: { type: 'system' } } });
    expect(messages.every(({ id, data }) => id === data.position)).toBe(true);
    const rest = await listen('/v1/events', (more) => more.length >= messages.length - 3, { 'last-event-id': messages[2]!.id });
    expect(rest.slice(0, messages.length - 3)).toEqual(messages.slice(3));
  });

  it('tells of one service what is its own', async () => {
    const [one] = await Promise.all([create('mine'), create('yours')]);
    const messages = await listen(`/v1/docker-services/${one}/events`, ({ length }) => length === 4);
    expect(messages.map(({ event }) => event)).toEqual(['NameClaimed', 'DockerServiceCreated', 'ReleaseCut', 'DeploymentStarted']);
    expect(messages[1]!.data.data).toMatchObject({ name: 'mine', docker_service_id: one });
  });
});

