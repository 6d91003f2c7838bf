import type { FastifyReply } from 'fastify';
import { changeDockerService, mountsOfService, refuseInvalidService, refuseWaitCycle, startedDeployment, waitingParts, type Dispatcher } from '#application';
import type { TenantContext } from '#contracts';
import { workingSpec, type Apply, type ExistingDockerService } from '#domain';
import type { JsonObject } from '../edge/merge-patch.ts';
import type { Mutation } from '../edge/mutation.ts';
import type { Gateway } from '../gateway.ts';
import { refuseUsedWithoutPorts } from '../resources/refuse-used.ts';
import { askedOf, provide } from './provide.ts';
import { refuseChangeThatCanNeverRun, refuseHooksThatCanNeverRun } from './admission.ts';
import { answerService } from './answer-service.ts';
import { changedDockerService } from './changed-docker-service.ts';
import { reachDockerService } from './reach.ts';

/** One request to change a service. */
export interface AskedChange {
  readonly tenant: TenantContext;
  readonly change: Mutation;
  readonly id: string;
  /** Default now. */
  readonly apply?: Apply;
  readonly reply: FastifyReply;
}

/** Changes a service by a merge patch of the body that would create it; 202 where that rolls, else 200.
 *  @param patchOf made anew where the service has moved meanwhile. @throws what creating it throws, and what `changeDockerService` does. */
export async function changeService(
  { gateway, dispatcher }: { readonly gateway: Gateway; readonly dispatcher: Dispatcher },
  { tenant, change, id, apply = 'now', reply }: AskedChange,
  patchOf: (service: ExistingDockerService) => JsonObject,
): Promise<object> {
  const { aggregates, nodes } = gateway.parts;
  const { projectId } = await reachDockerService(aggregates, tenant, id);
  const from = async (service: ExistingDockerService) => {
    const { commandId } = change;
    const asked = askedOf({ aggregates, nodes: nodes.present, commandId }, service);
    const command = await changedDockerService(aggregates, service, patchOf(service), { asked, commandId });
    const { spec = {}, deploy = {} } = command.data;
    const dependencies = waitingParts(service, command.data.spec, command.data.deploy);
    if (command.data.spec || command.data.deploy) await refuseWaitCycle(aggregates, { ...service, dependencies }, { pointer: '/dependencies' });
    const changed = { ...service, ...command.data, deploy: { ...service.deploy, ...deploy }, spec: command.data.spec ?? workingSpec(service) };
    refuseInvalidService(changed);
    await refuseUsedWithoutPorts(gateway, service, { from: workingSpec(service), to: command.data.spec, deploy: changed.deploy, pointer: '/ports' });
    refuseHooksThatCanNeverRun(nodes.present, changed, deploy, '/deploy');
    refuseChangeThatCanNeverRun(nodes.present, service, { ...command.data, volumeNeeds: asked.volumes.needs(command.data.spec?.volumes) });
    await provide({ dispatcher, aggregates }, service, { ...asked.volumes.mounting(mountsOfService(spec, deploy)), newNetworks: asked.networks.creates }, change);
    return { ...command, data: { ...command.data, postpone: apply === 'next_deploy' } };
  };
  const handled = await changeDockerService({ dispatcher, aggregates }, { dockerServiceId: id, ifMatch: change.ifMatch, from }, change.metadata(projectId));
  gateway.accept(reply, handled);
  const deploymentId = startedDeployment(handled);
  reply.code(deploymentId === null ? 200 : 202);
  return answerService(gateway, tenant, id, deploymentId);
}
