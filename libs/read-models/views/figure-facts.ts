import type { ReplicaId } from '#domain';
import { findEvery, type Reads } from '../reads.ts';
import type { EnvironmentDocument } from './environments.ts';
import type { NodeDocument } from './nodes.ts';
import type { ProjectDocument } from './projects.ts';
import type { ReplicaDocument } from './replicas.ts';

/** What figures of a replica are labelled by, and what its history adds to them. */
export interface FigureFacts {
  readonly project: string;
  readonly environment: string;
  /** Of its service; a job is told by its id. */
  readonly name: string;
  readonly slot: number;
  readonly node: string;
  readonly restarts: number;
  readonly oom_kills: number;
}

/** The facts of these replicas, by id, in whatever project: for operators. One that a view doesn't know yet is left out. */
export async function readFigureFacts({ models }: Pick<Reads, 'models'>, replicaIds: readonly ReplicaId[]): Promise<ReadonlyMap<string, FigureFacts>> {
  const replicas = [...(await models.getMany<ReplicaDocument>('replicas', replicaIds)).values()];
  const ids = (of: (replica: ReplicaDocument) => string | null) => [...new Set(replicas.flatMap((replica) => of(replica) ?? []))];
  const projects = await models.getMany<ProjectDocument>('projects', ids(({ project_id }) => project_id));
  const environments = await models.getMany<EnvironmentDocument>('environments', ids(({ environment_id }) => environment_id));
  const services = await models.getMany<{ readonly name: string }>('services', ids(({ owner }) => (owner.type === 'docker_service' ? owner.id : null)));
  const nodes = await models.getMany<NodeDocument>('nodes', ids(({ node_id }) => node_id));
  return new Map(
    replicas.map(({ replica_id, owner, project_id, environment_id, node_id, slot, restarts, oom_kills }) => [
      replica_id,
      {
        project: projects.get(project_id)?.name ?? project_id,
        environment: environments.get(environment_id)?.name ?? environment_id,
        name: services.get(owner.id)?.name ?? owner.id,
        node: nodes.get(node_id ?? '')?.name ?? '',
        slot,
        restarts,
        oom_kills,
      },
    ]),
  );
}

/** How many replicas wait for a node, by the code of the reason. */
export async function countUnplaced(reads: Pick<Reads, 'models'>): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { reason } of await findEvery<ReplicaDocument>(reads, 'replicas', { in: { state: ['PENDING'] } })) {
    const code = reason?.code ?? 'not_looked_at_yet';
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return counts;
}
