import { createResource, deleteResource, deploymentIdOf, loadResource, refuseWaitCycle, resourceChangedBefore, resourceIdOf, resourceNotFound, standingOr, ToResource, waitingParts, type NewResource } from '#application';
import { isUnwritten, resource as resourceRules, streamOf, workingSpec, type DependencyUse, type DockerServiceId, type ExistingDockerService, type ResourceId } from '#domain';
import { resolvedDependencies } from '../../apps/api-gateway/compute/resolve-dependencies.ts';
import { askedResource } from '../../apps/api-gateway/resources/asked-resource.ts';
import { refuseCyclesThrough, refuseUsed } from '../../apps/api-gateway/resources/refuse-used.ts';
import type { CreateResourceDto } from '../../apps/api-gateway/resources/resource.dto.ts';
import { picker, type Client } from './client.ts';
import { dependants } from './laws/dependency-laws.ts';
import { specOf } from './moves.ts';

type Pick = ReturnType<typeof picker>;

/** Where a resource is: at a service mostly, at its port or another one. */
function placeOf(client: Client, pick: Pick): Part<CreateResourceDto, 'docker_service_id' | 'host' | 'port'> {
  const service = pick([...client.services]);
  const port = pick([{}, {}, { port: pick([5_432, 5_433]) }]);
  return service && pick([true, true, true, false]) ? { docker_service_id: service, ...port } : { host: pick(['10.9.9.9', 'db.example.net']), port: 5_432 };
}

type Part<T, Key extends keyof T> = { readonly [Each in Key]?: T[Each] };

const bodyOf = (client: Client, asked: object): CreateResourceDto => ({ environment_id: client.home.environmentId, ...asked }) as CreateResourceDto;

/** What clients do about resources, and about those who depend on them. */
export const RESOURCE_MOVES = {
  make_resource: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const body = bodyOf(client, { name: pick(['main-db', 'sessions', 'search']), kind: pick(['postgres', 'redis']), ...placeOf(client, pick) });
    client.ask({
      what: `make the resource ${body.name} at ${body.docker_service_id ?? body.host}`,
      type: 'ResourceCreated',
      deed: async (gateway, metadata) => {
        const made = async (): Promise<NewResource | null> => loadResource(gateway.aggregates, resourceIdOf(metadata.commandId)).then((resource) => (isUnwritten(resource) ? null : resource));
        const { environmentId, projectId, name, kind, settings } = await standingOr(made, () => askedResource(gateway.aggregates, body, client.home.projectId));
        return createResource(gateway, { projectId, environmentId, name, kind, settings }, metadata);
      },
      whenDone: (commandId) => client.resources.add(resourceIdOf(commandId)),
    });
  },

  move_resource: onResource((client, id, pick) => {
    const place = placeOf(client, pick);
    client.ask({
      what: `move ${id} to ${JSON.stringify(place)}`,
      type: 'ResourceChanged',
      deed: async (gateway, metadata) => {
        const resource = await loadResource(gateway.aggregates, id);
        if (isUnwritten(resource)) throw resourceNotFound();
        return standingOr(() => resourceChangedBefore(gateway, id, metadata), async () => {
          if (resource.status === 'deleted') throw resourceNotFound();
          const { settings } = await askedResource(gateway.aggregates, bodyOf(client, { name: resource.name, kind: resource.kind, ...place }), resource.projectId);
          if (settings.dockerServiceId !== resource.settings.dockerServiceId) await refuseCyclesThrough(gateway.asked, resource, settings);
          return gateway.dispatcher.send(new ToResource(id, { type: 'ChangeResource', data: { settings } }, metadata));
        });
      },
    });
  }),

  delete_resource: onResource((client, id) =>
    client.ask({
      what: `delete ${id}`,
      type: 'ResourceDeleted',
      deed: async (gateway, metadata) => {
        client.world.deletions.note(metadata.commandId, () => dependants(client.world.ledger, id));
        const resource = await loadResource(gateway.aggregates, id);
        if (isUnwritten(resource)) throw resourceNotFound();
        const remove = () => deleteResource(gateway.dispatcher, resource, metadata, {});
        const stands = () => gateway.aggregates.stands(resourceRules, streamOf('resource', id), metadata.commandId);
        return standingOr(async () => ((await stands()) ? remove() : null), async () => {
          await refuseUsed(gateway.asked, { kind: 'resource', id, name: resource.name, projectId: resource.projectId });
          return remove();
        });
      },
    }),
  ),

  /** Of a resource mostly, else of another service. */
  depend: onService((client, id, pick) => {
    const used = pick([...client.resources, ...client.resources, ...client.services]);
    const wait = pick(['healthy', 'healthy', null] as const);
    const ids = used.startsWith('res_') ? { resourceId: used as ResourceId, dockerServiceId: null } : { resourceId: null, dockerServiceId: used as DockerServiceId };
    change(client, id, `let ${id} depend on ${used}${wait ? ', and wait' : ''}`, { ...ids, prefix: null, wait, target: null });
  }),

  undepend: onService((client, id) => change(client, id, `let ${id} depend on nothing`, null)),

  /** Who depends on it has to follow. */
  listen: onService((client, id, pick) => {
    const port = pick([80, 81]);
    client.change(id, { what: `let ${id} listen on ${port}`, type: 'DeploymentStarted' }, ({ service, commandId }) => {
      const { ports, ...spec } = specOf(service);
      return { type: 'ChangeDockerService', data: { deploymentId: deploymentIdOf(commandId), spec: { ...spec, ports: [{ containerPort: port, protocol: 'tcp', hostPort: ports[0]?.hostPort ?? null }] } } };
    });
  }),
} as const;

/** As the controller of services does it. */
function change(client: Client, id: DockerServiceId, what: string, use: DependencyUse | null): void {
  client.change(id, { what, type: 'DeploymentStarted' }, async ({ service, commandId, gateway: { aggregates } }) => {
    const { dependencies: _, ...rest } = specOf(service);
    const spec = use ? await resolvedDependencies(aggregates, service, { ...rest, dependencies: [use] }) : rest;
    await refuseWaitCycle(aggregates, waiterOf(service, spec), { pointer: '/dependencies' });
    return { type: 'ChangeDockerService', data: { deploymentId: deploymentIdOf(commandId), spec } };
  });
}

const waiterOf = (service: ExistingDockerService, spec: ReturnType<typeof workingSpec>) => ({ ...service, dependencies: waitingParts(service, spec) });

function onResource(move: (client: Client, id: ResourceId, pick: Pick) => void) {
  return (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const id = pick([...client.resources]);
    if (id) move(client, id, pick);
  };
}

function onService(move: (client: Client, id: DockerServiceId, pick: Pick) => void) {
  return (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const id = pick([...client.services]);
    if (id) move(client, id, pick);
  };
}
