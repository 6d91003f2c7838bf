import type { ConfigEvent } from './config/events.ts';
import type { AuditChainEvent } from './audit-chain/events.ts';
import type { DeploymentEvent } from './deployment/events.ts';
import { DEFAULT_DEPLOY_SETTINGS } from './docker-service/deploy-settings.ts';
import type { DockerServiceEvent } from './docker-service/events.ts';
import { ALWAYS, NO_RESTART, type RestartPolicy } from './docker-service/restart-policy.ts';
import { DEFAULT_TARGETS } from './docker-service/targets.ts';
import type { JobEvent } from './job/events.ts';
import type { StreamCategory } from './kernel/ids.ts';
import type { NetworkEvent, NetworkPoolEvent } from './network/events.ts';
import type { NodeEvent } from './node/events.ts';
import type { PlanEvent } from './plan/events.ts';
import type { ProjectEvent } from './project/events.ts';
import type { ReplicaEvent } from './replica/events.ts';
import type { ResourceEvent } from './resource/events.ts';
import type { ScheduleEvent } from './schedule/events.ts';
import type { UserEvent } from './user/events.ts';
import type { VolumeEvent } from './volume/events.ts';
import type { SecretEvent } from './secret/events.ts';

/** Which events stand in which kind of stream. */
export interface EventsByCategory {
  project: ProjectEvent;
  docker_service: DockerServiceEvent;
  deployment: DeploymentEvent;
  replica: ReplicaEvent;
  node: NodeEvent;
  job: JobEvent;
  schedule: ScheduleEvent;
  user: UserEvent;
  plan: PlanEvent;
  network: NetworkEvent;
  network_pool: NetworkPoolEvent;
  audit_chain: AuditChainEvent;
  volume: VolumeEvent;
  secret: SecretEvent;
  config: ConfigEvent;
  resource: ResourceEvent;
}

export type AnyEvent = EventsByCategory[StreamCategory];
export type EventType = AnyEvent['type'];

/** Turns the data of an older schema version into that of the present one; `schema` is the version it was written in. */
export type Upcaster = (data: object, schema: number) => object;

export interface EventEntry<Category extends StreamCategory = StreamCategory> {
  /** The version that is written now. An added field needs no new one; a new meaning is a new event. */
  readonly schema: number;
  readonly category: Category;
  /** Null while there is only one version. */
  readonly upcast: Upcaster | null;
  /** What has happened when it stands, in a sentence. */
  readonly meaning: string;
}

type CategoryOf<T extends EventType> = { [C in StreamCategory]: T extends EventsByCategory[C]['type'] ? C : never }[StreamCategory];
/** An event without an entry, or in a stream of another category, doesn't compile. */
type Registry = { readonly [T in EventType]: EventEntry<CategoryOf<T>> };

const first = <C extends StreamCategory>(category: C, meaning: string): EventEntry<C> => ({ schema: 1, category, upcast: null, meaning });

const second = <C extends StreamCategory>(category: C, meaning: string, upcast: Upcaster): EventEntry<C> => ({ schema: 2, category, upcast, meaning });

/** Before there were other ways, every deployment was this one. */
const withWholeDeploySettings: Upcaster = (data) => ({ ...data, deploy: { ...DEFAULT_DEPLOY_SETTINGS, monitorMs: 0, ...(data as { deploy: object }).deploy } });

/** Before there were checks, other policies and targets. */
const withWholeSpec = (restartPolicy: RestartPolicy): Upcaster => (data) => ({ ...data, spec: { restartPolicy, healthcheck: null, ...DEFAULT_TARGETS, ...(data as { spec: object }).spec } });

/** Before there was anything to replace, every deployment was a service's first. */
const asCreation: Upcaster = (data) => ({ kind: 'create', settings: { ...DEFAULT_DEPLOY_SETTINGS, monitorMs: 0 }, supersedes: null, ...data });

/** Every event there is. The catalogue in the documentation is made of it. */
export const registry: Registry = {
  ProjectCreated: first('project', 'A project (tenant) exists.'),
  ProjectDeleted: first('project', 'The project is gone; its environments went before it.'),
  ProjectReservationVoided: first('project', "The project was never written after its name was claimed, and now can't be."),
  EnvironmentCreated: first('project', 'An environment exists, and is to have the network that is named here.'),
  EnvironmentDeleted: first('project', 'The environment is gone; its network is to be taken down.'),
  NameClaimed: first('project', 'A name is taken in its scope, before the thing that will bear it is written.'),
  NameReleased: first('project', 'The name is free again: its holder is gone, or never came.'),
  MemberAdded: first('project', 'Somebody belongs to the project, with this role.'),
  MemberRoleChanged: first('project', 'A member has another role.'),
  MemberRemoved: first('project', 'Somebody belongs to the project no more.'),
  TokenIssued: first('project', 'A token reaches the project, in this role and scope and until then.'),
  TokenRevoked: first('project', 'The token is of no use any more.'),

  UserCreated: first('user', 'A person may sign in.'),
  UserPasswordChanged: first('user', 'The person has another password; what was opened with the one before is void.'),
  UserDeleted: first('user', 'The person may sign in no more, and what was known of them is forgotten.'),

  ProjectQuotaChanged: first('project', 'The project may have another amount reserved at most.'),
  ServiceQuotaChanged: first('project', 'One of its services may have another amount reserved at most.'),
  RoomReserved: first('project', 'So much the holder may come to need by a change that is about to be written.'),
  RoomSettled: first('project', 'The holder needs no more than this as it stands, with what is left of before.'),
  RoomReleased: first('project', 'The holder is gone; what it held of the quota is free again.'),
  QuotaWarningRaised: first('project', 'What is reserved, or was measured, has come near a limit.'),
  QuotaWarningEnded: first('project', 'It is no longer near the limit.'),

  DockerServiceCreated: second('docker_service', 'A service exists, with what is its own and no release yet.', withWholeDeploySettings),
  ReleaseCut: second('docker_service', 'A numbered spec of what runs was frozen.', withWholeSpec(ALWAYS)),
  ReleasePostponed: first('docker_service', 'What shapes the containers was changed, for the next deployment to cut a release of it.'),
  ReleaseImagePinned: first('docker_service', "The image of a release was found to be this one, whatever its tag comes to mean."),
  DeploymentStarted: second('docker_service', 'A deployment is to move the service to a release.', asCreation),
  DeploymentCancelRequested: first('docker_service', 'The deployment is to go back to the last stable release.'),
  DeploymentEnded: first('docker_service', "The deployment is over, with its outcome; the replicas that it ordered are the service's now."),
  DockerServiceScaled: first('docker_service', 'Another number of replicas is wanted.'),
  DeploySettingsChanged: first('docker_service', 'Later deployments of the service go another way.'),
  DockerServiceLabelsChanged: first('docker_service', 'The service has other labels.'),
  DockerServicePaused: first('docker_service', 'The containers of the service are to be stopped and kept.'),
  DockerServiceResumed: first('docker_service', 'The service is to run again, in the containers that were kept.'),
  DockerServiceStopped: first('docker_service', 'The containers of the service are to be removed, and their room given back.'),
  DockerServiceStarted: first('docker_service', 'The service is to run again.'),
  ServiceStepTaken: first('docker_service', 'Replicas are ordered, stopped or forgotten outside any deployment, and why.'),
  DockerServiceDeletionRequested: first('docker_service', 'The service is to go: everything of it is being stopped.'),
  DockerServiceDeleted: first('docker_service', 'The engines have confirmed that every container is gone.'),
  ReservationVoided: first('docker_service', "The service was never written after its name was claimed, and now can't be."),

  ChangeVoided: first('docker_service', "A change had reserved room and was never written, and now can't be."),

  DeploymentOpened: first('deployment', 'The scheduler has taken the deployment up; its deadline counts from here.'),
  DeploymentStageBegan: first('deployment', 'The deployment has come to this stage; a hook runs as the job that is named here.'),
  DeploymentStageEnded: first('deployment', 'A stage of the deployment is over, with its result and why.'),
  DeploymentStepTaken: first('deployment', 'Replicas are ordered, stopped or forgotten by the deployment, and why.'),
  DeploymentProgressed: first('deployment', 'More replicas are up or settled than ever before: the progress deadline starts anew.'),
  DeploymentReplicaFailed: first('deployment', 'An agent has given up a replica of the deployment.'),
  DeploymentClosed: first('deployment', 'How the deployment ended is decided; it takes no step any more.'),

  ReplicaCreated: first('replica', 'An ordered replica waits for a node; what it needs is fixed.'),
  ReplicaAbandoned: first('replica', "The replica isn't wanted any more, and no node ever held it."),
  PlacementDeferred: first('replica', 'No node fits, with what each of them refused.'),
  PlacementClaimed: first('replica', 'A node was chosen, with what spoke for it and against the others; it has yet to give its word.'),
  PlacementSettled: first('replica', "The node's word on the claim: placed, refused or revoked."),
  ReplicaObserved: second('replica', 'An agent saw the replica in this state on its engine.', (data) => ({ health: 'unknown', ...data })),
  ObservationRefused: first('replica', 'An observation was refused for good, and why.'),

  NodeRegistered: first('node', 'An agent has introduced its host.'),
  NodeFactsChanged: first('node', 'The agent says other things of its host than before.'),
  NodeDrained: first('node', 'An operator lets nothing new be placed here.'),
  NodeActivated: first('node', 'An operator lets replicas be placed here again.'),
  NodeUnreachable: first('node', "The agent wasn't heard for too long; what runs here is unknown."),
  NodeReachable: first('node', 'The agent is heard again.'),
  NodeAdopted: first('node', 'An operator lets the agent change over to this history.'),
  NodeRemoved: first('node', 'The node is out for good; the replicas named are made good elsewhere.'),
  ReplicaPlaced: first('node', 'The node holds the replica: its room and ports are taken.'),
  PlacementRefused: first('node', "The node didn't take the replica, and why."),
  PlacementRevoked: first('node', 'The claim was taken back before the node settled it.'),
  ReplicaWantedChanged: first('node', 'What the agent is to do with a replica has changed: run it, hold it, or remove it.'),
  ReplicaReleased: first('node', "The replica's CPU, memory and ports are free again."),

  JobCreated: second('job', 'A job is to run once, with all that shapes its container.', (data, schema) => ({ retries: 0, inheritsFrom: null, rerunOf: null, ...withWholeSpec(NO_RESTART)(data, schema) })),
  JobAttemptStarted: first('job', 'A try of the job was ordered.'),
  JobAttemptFailed: first('job', 'A try of the job failed, and another one is to follow.'),
  JobCancelRequested: first('job', 'The job is to end: what runs of it is being stopped.'),
  JobEnded: first('job', 'The job has its outcome.'),

  JobReservationVoided: first('job', "Room was reserved for the job and it was never written, and now can't be."),

  ScheduleCreated: first('schedule', 'Jobs are to be made at the minutes of a cron expression.'),
  ScheduleChanged: first('schedule', 'The schedule fires at other minutes, in another way, or runs something else.'),
  SchedulePaused: first('schedule', 'The schedule fires nothing until it is resumed, and why.'),
  ScheduleResumed: first('schedule', 'The schedule fires again, for minutes from now on.'),
  ScheduleFired: first('schedule', 'A due minute is decided: the job that is named here is made of it.'),
  ScheduleSkipped: first('schedule', 'Due minutes are decided: nothing is made of them, and why.'),
  ScheduleHistoryCut: first('schedule', 'Jobs of the schedule fall out of every list: only the latest are kept.'),
  ScheduleDeleted: first('schedule', 'The schedule makes no more jobs; those that it has made run on.'),

  PlanDefined: first('plan', 'A size exists that services can be made in.'),
  PlanChanged: first('plan', 'The size is another one for what is made from now on.'),

  NetworkCreated: first('network', 'A network exists in an environment: its own, or a further one, whose subnet follows.'),
  NetworkSubnetChanged: first('network', 'The network has its first subnet, or another one: the one before was taken on a host.'),
  NetworkDeleted: first('network', 'The network is gone: by request, or with its environment.'),
  NetworkReservationVoided: first('network', "The network was never written after its name was claimed, and now can't be."),

  SecretCreated: first('secret', 'A secret exists; its first value is in the store of values, under the id that is named here.'),
  SecretVersionAdded: first('secret', 'The secret has another value; who follows the latest is to get it, at once or with its next deployment.'),
  SecretDeleted: first('secret', 'The secret is gone, with all of its values.'),
  SecretReservationVoided: first('secret', "The secret was never written after its name was claimed, and now can't be."),

  ConfigCreated: first('config', 'A config exists; its first content is in the store of values, under the id that is named here.'),
  ConfigVersionAdded: first('config', 'The config has another content; who follows the latest is to get it, at once or with its next deployment.'),
  ConfigDeleted: first('config', 'The config is gone, with all of its contents.'),
  ConfigReservationVoided: first('config', "The config was never written after its name was claimed, and now can't be."),

  ResourceCreated: first('resource', 'Something that services use has a name: a host of its own, or a service.'),
  ResourceChanged: first('resource', 'The resource is elsewhere, or is reached another way; who depends on it is to get that.'),
  ResourceDeleted: first('resource', 'The resource is gone; nobody used it any more.'),
  ResourceReservationVoided: first('resource', "The resource was never written after its name was claimed, and now can't be."),

  SubnetAllotted: first('network_pool', 'A network has this subnet for its own.'),
  SubnetBarred: first('network_pool', 'The subnet is in other use on a host: it is never allotted again.'),
  SubnetFreed: first('network_pool', 'The subnet may be allotted again.'),

  AuditHeadSigned: first('audit_chain', 'What the chain of a project (or of the platform) has come to is signed.'),

  VolumeCreated: first('volume', 'A volume exists, and is on no node yet.'),
  VolumeUseBegan: first('volume', 'A service or job mounts the volume, or is about to: it is not deleted meanwhile.'),
  VolumeUseEnded: first('volume', 'A service or job does not mount the volume any more.'),
  VolumeBound: first('volume', 'The volume is on this node from now on: whatever mounts it runs there only.'),
  VolumeAwaited: first('volume', 'Another replica goes to the node of the volume, which nobody has seen made yet.'),
  VolumeAwaitEnded: first('volume', 'A replica that went there for the volume never came to run; others still may.'),
  VolumeUnbound: first('volume', 'The volume is on no node any more, and why; it will be made anew where it is needed next.'),
  VolumeProvisioned: first('volume', "The node's agent has made the volume: there may be data in it."),
  VolumeLost: first('volume', "The node's agent finds nothing of the volume any more, and nobody asked for that: no empty one is made in its place."),
  VolumeFound: first('volume', 'The volume that was lost is there again.'),
  VolumeDeletionRequested: first('volume', 'The volume is to go, with all that is in it.'),
  VolumeCleared: first('volume', 'Nothing of the volume is left on the node.'),
  VolumeDeleted: first('volume', 'Nothing of the volume is left anywhere.'),
  VolumeReservationVoided: first('volume', "The volume was never written after its name was claimed, and now can't be."),
};

export const isEventType = (type: string): type is EventType => Object.hasOwn(registry, type);

/** The version that an event is written in. @throws Error for a type that isn't in the table. */
export const schemaOf = (type: string): number => entryOf(type).schema;

/** Brings an event that was read to the present version of its data; one that is so already comes back as it is.
 *  @throws Error for an unknown type or a version of the future: a newer build wrote it, and guessing would be worse. */
export function upcast<Read extends { readonly type: string; readonly data: object; readonly metadata: { readonly schema: number } }>(event: Read): Read {
  const { schema, upcast: upcaster } = entryOf(event.type);
  const written = event.metadata.schema;
  if (written === schema) return event;
  if (written > schema || !upcaster) throw new Error(`${event.type} of schema ${written} can't be read: this build knows schema ${schema}`);
  return { ...event, data: upcaster(event.data, written), metadata: { ...event.metadata, schema } };
}

function entryOf(type: string): EventEntry {
  if (!isEventType(type)) throw new Error(`unknown event type: ${type}`);
  return registry[type];
}
