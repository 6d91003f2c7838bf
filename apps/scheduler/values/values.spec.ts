import { questionOf, subjects, type ValueReply, type ValueRequest } from '#contracts';
import { streamOf, secret, type SecretUse } from '#domain';
import { open } from '#secrets';
import { IDS, SchedulerWorld } from '../../../test/simulation/scheduler-world.ts';

let world: SchedulerWorld;
afterEach(() => world.end());

const until = (condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);
const use = (over: Partial<SecretUse> = {}): SecretUse => ({ key: 'DB', secretId: 'sec_db', version: 1, follows: true, as: 'env', ...over });
const releases = (): unknown[] => world.events('ReleaseCut').map(({ data }) => (data as { spec: { secrets: SecretUse[] } }).spec.secrets[0]!.version);

/** A service of one replica that is given the secret, and stands. */
async function standing(over: Partial<SecretUse> = {}, options: { schedulers?: number } = {}): Promise<void> {
  world = await SchedulerWorld.begin({ nodes: 2, ...options });
  await world.keepSecret(1);
  await world.createService(1, { spec: { secrets: [use(over)] } });
  await until(() => world.isStable(1));
}

describe('who follows the latest version', () => {
  it('is rolled to it, once, by whichever of two schedulers comes first', async () => {
    await standing({}, { schedulers: 2 });
    await world.keepSecret(2);
    await until(async () => releases().length === 2 && (await world.isStable(1)));
    await world.clock.advance(120_000);
    expect(releases()).toEqual([1, 2]);
    const follow = world.events('ReleaseCut')[1]!;
    const told = world.events('SecretVersionAdded')[0]!;
    expect([follow.metadata.actor, follow.metadata.causationId]).toEqual([{ type: 'system', id: 'scheduler' }, told.id]);
    expect(world.breaches()).toEqual([]);
  });

  it('is not rolled to one that waits for its next deployment, nor where it has fixed one', async () => {
    await standing();
    await world.keepSecret(2, 'next_deploy');
    await world.clock.advance(60_000);
    expect(releases()).toEqual([1]);
    await world.end();
    await standing({ follows: false });
    await world.keepSecret(2);
    await world.clock.advance(60_000);
    expect(releases()).toEqual([1]);
  });

  it('is rolled no second time where it failed with it and went back', async () => {
    await standing();
    for (const node of world.nodes) node.fateOf = ({ release }) => (release === 2 ? 'fails' : 'settles');
    await world.keepSecret(2);
    await until(() => world.events('DeploymentEnded').some(({ data }) => (data as { outcome: string }).outcome === 'ROLLED_BACK'));
    await world.clock.advance(120_000);
    expect(releases()).toEqual([1, 2]);
    // Yet to the next one it is.
    await world.keepSecret(3);
    await until(async () => releases().length === 3 && (await world.isStable(1)));
    expect(releases()).toEqual([1, 2, 3]);
  });

  it('waits while it is paused, and is rolled when it is resumed; so does one whose scheduler was away', async () => {
    await standing();
    await world.onService({ type: 'PauseDockerService', data: {} });
    await world.keepSecret(2);
    await world.clock.advance(60_000);
    expect(releases()).toEqual([1]);
    await world.onService({ type: 'ResumeDockerService', data: { deploymentId: 'dep_resumed' } });
    await until(() => releases().length === 2);
    await until(() => world.isStable(1));
    await world.processes[0]!.scheduler.stop();
    await world.keepSecret(3);
    world.addScheduler();
    await until(() => releases().length === 3);
    await until(() => world.isStable(1));
  });
});

describe('a value', () => {
  /** Asks as a node's agent would. */
  const ask = async (over: Partial<ValueRequest> = {}, as = world.nodes[0]!): Promise<{ request: ValueRequest; reply: ValueReply }> => {
    const [replica] = as.alive;
    const request: ValueRequest = { nodeId: as.nodeId, replicaId: replica?.replicaId ?? 'rep_none', id: 'sec_db', version: 1, nonce: 'n', ...over };
    let reply: ValueReply | null = null;
    void world.broker.bus('somebody').request<ValueReply>(subjects.value(as.nodeId), request, 5_000).then((answer) => (reply = answer));
    await until(() => reply !== null);
    return { request, reply: reply! };
  };
  const holder = () => world.nodes.find(({ alive }) => alive.length > 0)!;
  const refusal = async (over: Partial<ValueRequest> = {}, as = holder()): Promise<string> => {
    const { reply } = await ask(over, as);
    return 'refused' in reply ? `${reply.refused.code}${reply.refused.transient ? ', for now' : ''}` : 'given';
  };

  it('is given to the node that holds the replica, sealed to its key and for this question', async () => {
    await standing();
    const node = holder();
    const { request, reply } = await ask({}, node);
    if (!('sealed' in reply)) throw new Error(JSON.stringify(reply));
    expect(open(reply.sealed, node.seed, questionOf(request)).reveal().toString()).toBe('value 1');
    const other = world.nodes.find((each) => each !== node)!;
    expect(() => open(reply.sealed, other.seed, questionOf(request))).toThrow();
  });

  it('of which nobody is told what he is not to have', async () => {
    await standing();
    const other = world.nodes.find((each) => each !== holder())!;
    const { replicaId } = holder().alive[0]!;
    expect(await refusal({ replicaId }, other)).toBe('value.not_yours');
    expect(await refusal({ nodeId: other.nodeId })).toBe('value.not_yours');
    expect(await refusal({ id: 'sec_other' })).toBe('value.not_yours');
    expect(await refusal({ replicaId: 'rep_unknown' })).toBe('value.not_yours');
    await world.keepSecret(2, 'next_deploy');
    expect([await refusal({ version: 2 }), await refusal({ version: null }), await refusal()]).toEqual(['value.not_yours', 'value.not_yours', 'given']);
  });

  it('that is to be the latest is what that is when it is asked for', async () => {
    world = await SchedulerWorld.begin();
    await world.keepSecret(1);
    await world.createService(1, { spec: { registryCredentials: { secretId: 'sec_db', version: null } } });
    await until(() => world.isStable(1));
    await world.keepSecret(2);
    const { request, reply } = await ask({ version: null }, holder());
    expect('sealed' in reply && open(reply.sealed, holder().seed, questionOf(request)).reveal().toString()).toBe('value 2');
  });

  it('that was deleted, or can’t be read, is refused with the reason', async () => {
    await standing();
    await world.vault.forgetAll('sec_db');
    expect(await refusal()).toBe('value.missing, for now');
    const metadata = { commandId: 'd', tenantId: IDS.projectId, actor: { type: 'token', id: 't' }, originId: null, now: 0, correlationId: 'd', causationId: null } as const;
    await world.aggregates.handle(secret, streamOf('secret', 'sec_db'), { type: 'DeleteSecret', data: {} }, metadata);
    expect(await refusal()).toBe('value.deleted');
  });

  it('that goes while it is being handed over is refused as deleted: the store has lost nothing', async () => {
    await standing();
    const metadata = { commandId: 'd', tenantId: IDS.projectId, actor: { type: 'token', id: 't' }, originId: null, now: 0, correlationId: 'd', causationId: null } as const;
    const { open } = world.vault;
    // The gateway that deletes it does both between the scheduler's two looks.
    world.vault.open = async (ref) => {
      world.vault.open = open;
      await world.aggregates.handle(secret, streamOf('secret', 'sec_db'), { type: 'DeleteSecret', data: {} }, metadata);
      await world.vault.forgetAll('sec_db');
      return open.call(world.vault, ref);
    };
    expect(await refusal()).toBe('value.deleted');
  });
});
