import { createEnvironment, createNetwork, createProject, deleteEnvironment, deleteNetwork, deleteProject, deploymentIdOf, environmentOf, projectIdOf, provideNetworks } from '#application';
import { isUnwritten, network as networkRules, Rejection, streamOf, type DockerServiceId, type EnvironmentId, type NetworkId, type ProjectId } from '#domain';
import { AskedNetworks } from '../../apps/api-gateway/networks/asked-networks.ts';
import { refuseUsedNetwork } from '../../apps/api-gateway/networks/refuse-used-network.ts';
import { picker, TENANT, type Client } from './client.ts';
import { membersOf } from './laws/network-laws.ts';
import { specOf } from './moves.ts';
import type { Joins } from './volume-moves.ts';

const NAMES = ['backend', 'backend', 'metrics', 'spare'] as const;

/** What clients do about networks, and about the environments and projects that have some of their own. */
export const NETWORK_MOVES = {
  make_network: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const name = pick(NAMES);
    const asked = { projectId: client.home.projectId, environmentId: pick([client.home.environmentId, ...client.environments]), name };
    client.ask({ what: `make the network ${name}`, type: 'NetworkCreated', deed: (gateway, metadata) => createNetwork(gateway, asked, metadata) });
  },

  /** An environment's own too, which is refused. */
  delete_network: (client: Client, lots: readonly number[]): void => {
    const standing = [...client.world.ledger.networks].filter(([, { status }]) => status === 'present');
    const [id] = picker(lots)(standing) ?? [];
    if (!id) return;
    client.ask({
      what: `delete the network ${id}`,
      type: 'NetworkDeleted',
      deed: async (gateway, metadata) => {
        client.world.deletions.note(metadata.commandId, () => membersOf(client.world.ledger, id));
        const { state: network } = await gateway.aggregates.load(networkRules, streamOf('network', id as NetworkId));
        if (isUnwritten(network)) throw new Rejection('not_found', 'network.not_found', 'there is no such network');
        if (network.status === 'present') await refuseUsedNetwork(gateway.asked, TENANT, network);
        return deleteNetwork(gateway.dispatcher, network, metadata, {});
      },
    });
  },

  join: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const id = pick([...client.services]) as DockerServiceId | undefined;
    const joins = pick<Joins>([{ networks: [] }, { networks: [{ name: pick(NAMES) }] }, { networks: [{ name: 'backend', aliases: ['store'] }, { name: 'spare' }], default_network: false }]);
    if (!id) return;
    const what = `let ${id} join [${joins.networks!.map(({ name }) => name).join(', ')}]`;
    client.change(id, { what, type: 'DeploymentStarted' }, async ({ service, commandId, gateway, metadata }) => {
      const { projectId, environmentId } = service;
      const { networks: _, defaultNetwork: __, ...rest } = specOf(service);
      const asked = new AskedNetworks({ aggregates: gateway.aggregates, projectId, environmentId, commandId });
      const spec = { ...rest, ...(await asked.joins(joins, '', true)) };
      await provideNetworks(gateway, asked.creates, metadata);
      return { type: 'ChangeDockerService', data: { deploymentId: deploymentIdOf(commandId), spec } };
    });
  },

  make_environment: (client: Client, lots: readonly number[]): void => {
    const name = picker(lots)(['staging', 'preview'] as const);
    client.ask({
      what: `make the environment ${name}`,
      type: 'EnvironmentCreated',
      deed: (gateway, metadata) => createEnvironment(gateway.dispatcher, client.home.projectId, name, metadata),
      whenDone: (commandId) => client.environments.add(environmentOf(commandId, name).environmentId),
    });
  },

  /** One that somebody is in is refused. */
  delete_environment: (client: Client, lots: readonly number[]): void => {
    const environmentId = picker(lots)([...client.environments]) as EnvironmentId | undefined;
    if (!environmentId) return;
    client.ask({
      what: `delete the environment ${environmentId}`,
      type: 'EnvironmentDeleted',
      deed: (gateway, metadata) => deleteEnvironment(gateway.dispatcher, { projectId: client.home.projectId, environmentId }, metadata),
      whenDone: () => client.environments.delete(environmentId),
    });
  },

  make_project: (client: Client, lots: readonly number[]): void => {
    const name = picker(lots)(['lab', 'demo'] as const);
    client.ask({
      what: `make the project ${name}`,
      type: 'ProjectCreated',
      deed: (gateway, metadata) => createProject(gateway, name, metadata),
      whenDone: (commandId) => client.projects.add(projectIdOf(commandId)),
    });
  },

  delete_project: (client: Client, lots: readonly number[]): void => {
    const projectId = picker(lots)([...client.projects]) as ProjectId | undefined;
    if (!projectId) return;
    client.ask({
      what: `delete the project ${projectId}`,
      type: 'ProjectDeleted',
      deed: (gateway, metadata) => deleteProject(gateway, projectId, { ...metadata, tenantId: projectId }),
      whenDone: () => client.projects.delete(projectId),
    });
  },
} as const;
