import type { Recorded } from '#event-store';
import { breaches, leftovers, unfinished } from './laws.ts';

const owner = { type: 'docker_service', id: 'svc_1' } as const;
const placed = (replicaId: string, slot = 1) => ['node-node_1', 'ReplicaPlaced', { replicaId, owner, slot }] as const;
const gone = (replicaId: string) => [`replica-${replicaId}`, 'ReplicaObserved', { replicaId, run: 1, state: 'GONE', reason: null }] as const;
const claimed = (name: string, holder: string) => ['project-prj_1', 'NameClaimed', { scope: 'docker_service', environmentId: 'env_1', name, holder }] as const;
const released = (name: string, holder: string) => ['project-prj_1', 'NameReleased', { scope: 'docker_service', environmentId: 'env_1', name, holder }] as const;

type Told = readonly [stream: string, type: string, data: object, commandId?: string];

/** A log as a store would hold it. */
function logOf(...told: Told[]): Recorded[] {
  const next = new Map<string, bigint>();
  return told.map(([stream, type, data, commandId = 'any'], index) => {
    const revision = next.get(stream) ?? 0n;
    next.set(stream, revision + 1n);
    return { id: `e${index}`, stream, type, data, revision, position: String(index).padStart(20, '0'), metadata: { commandId } as Recorded['metadata'] };
  });
}

const whole = logOf(
  claimed('web', 'svc_1'),
  ['docker_service-svc_1', 'DockerServiceCreated', { dockerServiceId: 'svc_1' }, 'create'],
  ['docker_service-svc_1', 'DeploymentStarted', { deploymentId: 'dep_1' }, 'create'],
  ['replica-rep_1', 'ReplicaCreated', { replicaId: 'rep_1', owner, slot: 1, generation: 1 }],
  placed('rep_1'),
  gone('rep_1'),
  placed('rep_2'),
  ['node-node_1', 'ReplicaReleased', { replicaId: 'rep_1' }],
  ['docker_service-svc_1', 'DeploymentEnded', { deploymentId: 'dep_1' }],
  gone('rep_2'),
  ['node-node_1', 'ReplicaReleased', { replicaId: 'rep_2' }],
  released('web', 'svc_1'),
);
const acknowledged = { commandId: 'create', what: 'create web', events: { DockerServiceCreated: 1, DockerServiceScaled: 0 } };

describe('the laws of a log', () => {
  it('find nothing in one that keeps them', () => {
    expect([...breaches(whole, [acknowledged]), ...unfinished(whole), ...leftovers(whole)]).toEqual([]);
  });

  it.each<[string, Recorded[], string]>([
    ['a lost event', whole.toSpliced(7, 1), 'node-node_1 has ReplicaReleased at revision 3 where 2 was due'],
    ['the first of a stream lost', whole.toSpliced(4, 1), 'where 0 was due'],
    ['an event told twice', [...whole, whole[3]!], 'event e3 (ReplicaCreated) stands twice'],
    ['a log out of order', [...whole.slice(5), ...whole.slice(0, 5)], 'comes after'],
    ['an acknowledged command without its event', whole.filter(({ type }) => type !== 'DockerServiceCreated'), '"create web" was acknowledged, and DockerServiceCreated stands 0 times instead of 1'],
    ['a command that was taken twice', logOf(['docker_service-svc_1', 'DockerServiceCreated', {}, 'create'], ['docker_service-svc_1', 'DockerServiceScaled', {}, 'create']), 'DockerServiceScaled stands 1 times instead of 0'],
    ['a job begun twice', logOf(['job-job_1', 'JobAttemptStarted', { attempt: 1 }], ['job-job_1', 'JobAttemptStarted', { attempt: 2 }]), 'twice: ["job-job_1","JobAttemptStarted"]'],
    ['two replicas for one generation of a slot', logOf(...['rep_1', 'rep_2'].map((replicaId): Told => [`replica-${replicaId}`, 'ReplicaCreated', { replicaId, owner, slot: 1, generation: 1 }])), '"slot and generation",1,1'],
    ['an observation that was recorded twice', logOf(gone('rep_1'), gone('rep_1')), 'twice: ["replica-rep_1","ReplicaObserved",1,"GONE"'],
    ['a name given to two', logOf(claimed('web', 'svc_1'), claimed('web', 'svc_2')), 'was given to svc_2 while svc_1 held it'],
    ['a name released by another', logOf(claimed('web', 'svc_1'), released('web', 'svc_2')), 'was released by svc_2 while svc_1 held it'],
    ['a slot filled twice', logOf(placed('rep_1'), placed('rep_2')), 'slot 1 of docker_service svc_1 was given to rep_2 while rep_1 had it'],
  ])('find %s', (_, log, breach) => {
    expect(breaches(log, [acknowledged]).join('\n')).toContain(breach);
  });

  it('find what was begun and never ended, and what nobody gave back', () => {
    const half = logOf(
      ['job-job_1', 'JobCreated', {}],
      ['docker_service-svc_1', 'DeploymentStarted', { deploymentId: 'dep_1' }],
      ['replica-rep_1', 'PlacementClaimed', { replicaId: 'rep_1', attempt: 1 }],
      ['docker_service-svc_1', 'DockerServiceDeletionRequested', {}],
      claimed('web', 'svc_1'),
      placed('rep_1'),
      ['project-prj_1', 'EnvironmentDeleted', { networkId: 'net_1' }],
      ['network-net_2', 'NetworkDeleted', {}],
    );
    expect(unfinished(half)).toEqual(['JobCreated of job-job_1 has no JobEnded', 'DeploymentStarted of dep_1 has no DeploymentEnded', 'PlacementClaimed of rep_1 attempt 1 has no PlacementSettled']);
    expect(leftovers(half)).toEqual([
      'DockerServiceDeletionRequested of docker_service-svc_1 has no DockerServiceDeleted',
      'ReplicaPlaced of rep_1 has no ReplicaReleased',
      'EnvironmentDeleted of network-net_1 has no NetworkDeleted',
      'NetworkDeleted of network-net_2 has no SubnetFreed',
      'docker_service|env_1|web is still held by svc_1',
    ]);
  });
});
