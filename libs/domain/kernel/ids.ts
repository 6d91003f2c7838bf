/** An id says what it names: prefix and 26 base32 characters, derived at the edge (`platform/ids.ts`). */
export type Id<Prefix extends string> = `${Prefix}_${string}`;
export type ProjectId = Id<'prj'>;
export type EnvironmentId = Id<'env'>;
export type DockerServiceId = Id<'svc'>;
export type DeploymentId = Id<'dep'>;
export type ReplicaId = Id<'rep'>;
export type NodeId = Id<'node'>;
export type JobId = Id<'job'>;
export type ScheduleId = Id<'sch'>;
export type NetworkId = Id<'net'>;
export type VolumeId = Id<'vol'>;
export type SecretId = Id<'sec'>;
export type ConfigId = Id<'cfg'>;
export type ResourceId = Id<'res'>;
export type UserId = Id<'usr'>;
export type TokenId = Id<'tok'>;
/** An address that requests came from. */
export type OriginId = Id<'ori'>;

/** What a replica belongs to: it fills a slot of a service, or is an attempt of a job. */
export type Owner =
  | { readonly type: 'docker_service'; readonly id: DockerServiceId }
  | { readonly type: 'job'; readonly id: JobId };

/** The first part of a stream's name; the rest is the id: `docker_service-svc_…`. */
export type StreamCategory = 'project' | 'docker_service' | 'deployment' | 'replica' | 'node' | 'job' | 'schedule' | 'plan' | 'network' | 'network_pool' | 'volume' | 'secret' | 'config' | 'resource' | 'audit_chain' | 'user';

/** `docker_service-svc_…` */
export const streamOf = (category: StreamCategory, id: string): string => `${category}-${id}`;

/** The category and the id of a stream's name. @throws Error when it has no `-`. */
export function parseStream(stream: string): { category: StreamCategory; id: string } {
  const dash = stream.indexOf('-');
  if (dash < 1) throw new Error(`not a stream name: ${stream}`);
  return { category: stream.slice(0, dash) as StreamCategory, id: stream.slice(dash + 1) };
}

/** The pseudo-project that holds what belongs to no tenant: names of projects, the nodes, the plans. */
export const PLATFORM = 'platform';

/** The stream of the one pool that subnets come from. */
export const NETWORK_POOL = 'default';
