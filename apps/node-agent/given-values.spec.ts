import { questionOf, subjects, type ValueReply, type ValueRequest } from '#contracts';
import { Sensitive, type ConfigUse, type SecretUse } from '#domain';
import { seal } from '#secrets';
import { WITHHELD } from './mask.ts';
import { entry, NodeUnderTest } from './under-test.ts';

const use = (over: Partial<SecretUse> = {}): SecretUse => ({ key: 'PASS', secretId: 'sec_a', version: 2, follows: true, as: 'env', ...over });
const file = (over: Partial<ConfigUse> = {}): ConfigUse => ({ path: '/etc/app', mode: '0440', uid: 33, gid: 44, content: null, configId: 'cfg_a', version: 1, follows: false, ...over });

/** A node, and a scheduler that gives these values. */
class NodeWithValues extends NodeUnderTest {
  readonly asked: ValueRequest[] = [];
  answers: (request: ValueRequest) => ValueReply | null = (request) => this.sealed(request, `${request.id} ${request.version}`);

  constructor() {
    super({ closed: { credentials: 'puller:let:me' }, talkative: { run: () => ({ lines: ['env is value of sec_a, file is value of sec_b'] }) } });
  }

  async begin(): Promise<this> {
    await this.start();
    this.monitor.subscribe<ValueRequest>(subjects.value('*'), (request) => {
      this.asked.push(request);
      const answer = this.answers(request);
      if (answer === null) throw new Error('nobody knows');
      return answer;
    });
    return this;
  }

  sealed(request: ValueRequest, value: string, question = questionOf(request)): ValueReply {
    return { sealed: seal(new Sensitive(Buffer.from(value)), this.agent.identity.publicKey, question) };
  }

  /** The environment that a container was made with, and its mounts. */
  made(replicaId: string): { Env: string[]; Mounts: { Source: string; Target: string }[] } {
    const { Env, HostConfig } = this.runtime.configOf(`wb-mine-${replicaId}`) as { Env: string[]; HostConfig: { Mounts: { Source: string; Target: string }[] } };
    return { Env, Mounts: HostConfig.Mounts };
  }
}

describe('what a replica is given', () => {
  let node: NodeWithValues;
  beforeEach(async () => (node = await new NodeWithValues().begin()));
  afterEach(() => node.stop());

  it('is asked for when its container is made: as env, as files, each with its version', async () => {
    await node.apply(entry('rep_a', 'web', { of: { secrets: [use(), use({ key: 'FILE', secretId: 'sec_b', version: null, as: 'file' })], configs: [file(), file({ path: '/etc/motd', content: 'hello', configId: null, version: null })] } }));
    await node.clock.advance(5_000);
    expect(node.running).toEqual(['rep_a']);
    expect(node.asked.map(({ replicaId, id, version }) => [replicaId, id, version])).toEqual([['rep_a', 'sec_a', 2], ['rep_a', 'sec_b', null], ['rep_a', 'cfg_a', 1]]);
    expect(node.made('rep_a').Env).toEqual(['PASS=sec_a 2']);
    expect(node.made('rep_a').Mounts.map(({ Source, Target }) => [Source, Target])).toEqual([
      ['/run/waybill/mine/rep_a/secrets', '/run/secrets'], ['/run/waybill/mine/rep_a/configs/0', '/etc/app'], ['/run/waybill/mine/rep_a/configs/1', '/etc/motd'],
    ]);
    expect(node.files.of('rep_a')).toEqual({ 'secrets/FILE': 'sec_b null', 'configs/0': 'cfg_a 1', 'configs/1': 'hello' });
  });

  it('is composed of what it uses, with the password of that; its own env wins', async () => {
    const target = { name: 'db', kind: 'postgres', version: 1, hostname: 'main-db', address: null, dockerServiceId: 'svc_db', networks: [], port: 5432, user: 'app', database: 'shop', password: { secretId: 'sec_p', version: 4, follows: true } } as const;
    node.answers = (request) => node.sealed(request, 'p@ss/word');
    await node.apply(entry('rep_a', 'web', { of: { env: { DB_PORT: '1' }, dependencies: [{ resourceId: 'res_a', dockerServiceId: null, prefix: null, wait: 'healthy', target }] } }));
    await node.clock.advance(5_000);
    expect(node.asked.map(({ id, version }) => [id, version])).toEqual([['sec_p', 4]]);
    expect(node.made('rep_a').Env.toSorted()).toEqual(['DB_HOST=main-db', 'DB_NAME=shop', 'DB_PASS=p@ss/word', 'DB_PORT=1', 'DB_URL=postgres://app:p%40ss%2Fword@main-db:5432/shop', 'DB_USER=app']);
    expect(node.disk.everything()).not.toContain('p@ss');
  });

  it('is nothing where nothing is given: nobody is asked', async () => {
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(5_000);
    expect([node.running, node.asked, node.made('rep_a').Mounts]).toEqual([['rep_a'], [], []]);
  });

  it('stays through restarts, and is asked for anew where a reboot took it', async () => {
    await node.apply(entry('rep_a', 'good later', { of: { secrets: [use({ as: 'file' })] } }));
    await node.clock.advance(10_000);
    expect([node.started('rep_a') > 2, node.asked.length]).toEqual([true, 1]);
    node.files.reboot();
    node.runtime.kill('wb-mine-rep_a');
    await node.clock.advance(60_000);
    expect([node.running, node.asked.length, node.files.of('rep_a')]).toEqual([['rep_a'], 2, { 'secrets/PASS': 'sec_a 2' }]);
  });

  it('is waited for while nobody can give it, with the reason, and never started without', async () => {
    node.answers = () => null;
    await node.apply(entry('rep_a', 'web', { of: { secrets: [use()] }, healthyDeadlineMs: null }));
    await node.clock.advance(20_000);
    expect(node.started('rep_a')).toBe(0);
    expect(node.told('rep_a').at(-1)).toBe('1 PREPARING value_unavailable');
    node.answers = (request) => node.sealed(request, 'late');
    await node.clock.advance(120_000);
    expect([node.running, node.made('rep_a').Env]).toEqual([['rep_a'], ['PASS=late']]);
  });

  it('is given up where it is refused for good', async () => {
    node.answers = () => ({ refused: { code: 'value.deleted', message: 'it was deleted', transient: false } });
    await node.apply(entry('rep_a', 'web', { of: { secrets: [use()] } }));
    await node.clock.advance(5_000);
    expect(node.told('rep_a').at(-1)).toBe('1 FAILED final value_refused');
    expect(node.said.at(-1)!.seen.reason!.message).toBe('sec_a is not given (value.deleted): it was deleted');
  });

  it('is not taken from an answer to another question, or one that was given before', async () => {
    node.answers = (request) => node.sealed(request, 'stale', questionOf({ ...request, nonce: 'another' }));
    await node.apply(entry('rep_a', 'web', { of: { secrets: [use()] } }));
    await node.clock.advance(5_000);
    expect([node.started('rep_a'), node.told('rep_a').at(-1)]).toEqual([0, '1 PREPARING value_unavailable']);
  });

  it('is shown to a registry, by whoever’s it is: two with other credentials don’t share a pull', async () => {
    node.answers = (request) => node.sealed(request, request.id === 'sec_right' ? 'puller:let:me' : 'puller:no');
    const credentials = (secretId: 'sec_right' | 'sec_wrong') => ({ of: { registryCredentials: { secretId, version: null } } });
    await node.apply(entry('rep_a', 'closed', credentials('sec_wrong')), entry('rep_b', 'closed', { slot: 2, ...credentials('sec_right') }));
    await node.clock.advance(60_000);
    expect(node.running).toContain('rep_b');
    expect(node.told('rep_a').at(-1)).toBe('1 FAILED final image_pull_denied');
  });

  it('is masked in what the container writes, also by an agent that didn’t make it', async () => {
    node.answers = (request) => node.sealed(request, `value of ${request.id}`);
    await node.apply(entry('rep_a', 'talkative', { of: { secrets: [use(), use({ key: 'F', secretId: 'sec_b', as: 'file' })] } }));
    await node.clock.advance(5_000);
    expect(await node.linesOf('rep_a')).toEqual(['env is [secret], file is [secret]']);
    await node.restart();
    node.runtime.kill('wb-mine-rep_a');
    await node.clock.advance(5_000);
    expect(await node.linesOf('rep_a')).toEqual(['env is [secret], file is [secret]', 'env is [secret], file is [secret]']);
  });

  it('is in no line that is read after the host forgot it: what can’t be looked through is withheld', async () => {
    node.answers = (request) => node.sealed(request, `value of ${request.id}`);
    await node.apply(entry('rep_a', 'talkative', { of: { secrets: [use(), use({ key: 'F', secretId: 'sec_b', as: 'file' })] } }));
    await node.clock.advance(5_000);
    await node.stop();
    const { id } = (await node.runtime.inspectContainer('wb-mine-rep_a'))!;
    node.runtime.kill('wb-mine-rep_a');
    await node.runtime.startContainer(id);
    await node.clock.advance(1_000);
    node.runtime.kill('wb-mine-rep_a');
    node.files.reboot();
    await node.start();
    await node.clock.advance(20_000);
    const lines = await node.linesOf('rep_a');
    expect(lines.filter((line) => line.includes('value of'))).toEqual([]);
    expect([lines[0], lines[1], lines.at(-1)]).toEqual(['env is [secret], file is [secret]', WITHHELD, 'env is [secret], file is [secret]']);
  });

  it('goes with the replica', async () => {
    const given = entry('rep_a', 'web', { of: { secrets: [use({ as: 'file' })] } });
    await node.apply(given);
    await node.clock.advance(5_000);
    expect(await node.files.list()).toEqual(['rep_a']);
    await node.apply({ ...given, wanted: 'gone' });
    await node.clock.advance(20_000);
    expect(await node.files.list()).toEqual([]);
  });

  it('stands in nothing that the agent keeps on its disk', async () => {
    node.answers = (request) => node.sealed(request, 'canary-on-disk');
    await node.apply(entry('rep_a', 'web', { of: { secrets: [use(), use({ key: 'F', as: 'file' })] } }));
    await node.clock.advance(5_000);
    expect(node.running).toEqual(['rep_a']);
    expect(node.disk.everything()).not.toContain('canary-on-disk');
  });
});
