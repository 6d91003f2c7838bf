import { Transient } from '#contracts';
import {
  changeDockerService, createProject, dockerServiceIdOf, environmentOf, projectIdOf, targetsNow, ToNode,
} from '#application';
import {
  Rejection, ALWAYS, DEFAULT_TARGETS, withTargets,
  type CommandMetadata, type ContainerSpec, type DeploymentId, type DockerServiceCommand, type DockerServiceId, type EnvironmentId, type ExistingDockerService, type JobId, type NodeCommand, type NodeId, type ProjectId, type ResourceId, type ScheduleId,
} from '#domain';
import { Conflict, PreconditionFailed, Unavailable, type Handled } from '#event-store';
import { commandIdOf } from '#platform';
import { getService } from '#read-models';
import { InvalidRequest } from '../../apps/api-gateway/edge/invalid-request.ts';
import { MIB } from './house/host.ts';
import { Life } from './house/life.ts';
import { dependants } from './laws/dependency-laws.ts';
import type { SimulatedGateway } from './house/parts.ts';
import { imageOf, SERVICE_IMAGES } from './images.ts';
import { slotsKey } from './laws/truths.ts';
import { deployOf, mannerOf } from './moves.ts';
import { usesOf } from './value-moves.ts';
import type { Verb } from './script.ts';
import { createAsked, deleteWithVolumes, mountsOf, type Joins } from './volume-moves.ts';
import type { Part, World } from './world.ts';

/** A command that was answered as done. */
export interface Acknowledged {
  readonly commandId: string;
  readonly what: string;
  /** What stands in the log for it, and how often: not at all where the world was so already. */
  readonly type: string;
  readonly times: number;
  readonly position: string;
  /** Tries that nobody has heard of: one of them may be carried out later, long after another was answered that there was nothing to do. */
  readonly unanswered: number;
}

/** Whether what was answered is what stands. */
export const isAnswered = ({ times, unanswered }: Pick<Acknowledged, 'times' | 'unanswered'>, stands: number): boolean => stands === times || (times === 0 && stands === 1 && unanswered > 0);

type Deed = (gateway: SimulatedGateway, metadata: CommandMetadata) => Promise<Handled<unknown>>;

interface Intent {
  readonly what: string;
  /** The event that tells of it. */
  readonly type: string;
  readonly deed: Deed;
}

/** What a change is made of. */
export interface Found {
  readonly service: ExistingDockerService;
  readonly commandId: string;
  readonly gateway: SimulatedGateway;
  readonly metadata: CommandMetadata;
}

const TIMEOUT_MS = 15_000;
const TRIES = 6;
export const TENANT = { principal: { type: 'token', id: 'tok_client' }, projects: 'all', role: 'operator' } as const;
const NAMES = ['api', 'web', 'worker', 'cache', 'queue'];

/** Everybody who sends commands and reads answers. A command that isn't answered is sent again under the same name, to any gateway. */
export class Client {
  readonly acknowledged: Acknowledged[] = [];
  readonly services = new Set<DockerServiceId>();
  readonly jobs = new Set<JobId>();
  readonly schedules = new Set<ScheduleId>();
  readonly resources = new Set<ResourceId>();
  /** Beside the one in which everything begins. */
  readonly projects = new Set<ProjectId>();
  readonly environments = new Set<EnvironmentId>();
  /** Secrets and configs. */
  readonly held = new Set<string>();
  /** Commands on their way. */
  pending = 0;
  /** The verb of the script whose commands are being sent. */
  doing: Verb | null = null;
  readonly #life: Life;
  #commands = 0;
  /** How often each command was sent. */
  readonly #sent = new Map<string, number>();
  /** How often the log was put back. */
  #restores = 0;
  readonly #first: string;

  /** Where all that they ask for belongs. */
  get home() {
    return { projectId: projectIdOf(this.#first), environmentId: environmentOf(this.#first, 'default').environmentId };
  }

  constructor(readonly world: World) {
    this.#life = new Life(world.timeline, 'client');
    this.#first = this.#nextId();
  }

  /** The project in which everything is, and its environment `default`. */
  begin(): void {
    void this.#send(this.#first, { what: 'create the project', type: 'ProjectCreated', deed: (gateway, metadata) => createProject(gateway, 'shop', metadata) });
  }

  createService(lots: readonly number[]): void {
    const commandId = this.#nextId();
    const pick = picker(lots);
    const name = pick(NAMES);
    const web = pick([false, false, true]);
    const image = imageOf(pick(SERVICE_IMAGES));
    const cpuMillis = pick([100, 100, 200, 300, 500]);
    const replicas = pick([0, 1, 1, 2, 2, 3, 4]);
    const deploy = deployOf(pick);
    const spec = { ...specOf(image, cpuMillis, web ? 8080 : null), ...mannerOf(pick), ...usesOf(this, pick) };
    const environmentId = pick([this.home.environmentId, this.home.environmentId, ...this.environments]);
    const asked = { projectId: this.home.projectId, environmentId, name, kind: web ? ('web' as const) : ('worker' as const), replicas, deploy, spec };
    const mounts = pick([[], [], [], mountsOf(pick)]);
    // Some who ask go away before they hear.
    const tries = pick([1, TRIES, TRIES]);
    const joins = pick<Joins>([{}, {}, {}, { networks: [{ name: 'backend' }] }, { networks: [{ name: 'backend', aliases: ['store'] }, { name: 'metrics' }], default_network: false }]);
    const what = `create ${name} with ${replicas} of ${spec.image}${joins.networks ? ` in ${joins.networks.map((join) => join.name).join(', ')}` : ''}`;
    const deed: Deed = (gateway, metadata) => createAsked(this, gateway, { ...asked, mounts, joins }, metadata);
    void this.#send(commandId, { what, type: 'DockerServiceCreated', deed }, tries).then((done) => {
      if (done) this.services.add(dockerServiceIdOf(commandId));
    });
  }

  scale(lots: readonly number[]): void {
    const pick = picker(lots);
    const id = pick([...this.services]);
    const replicas = pick([0, 1, 1, 2, 2, 3, 4, 5]);
    if (id) this.change(id, { what: `scale ${id} to ${replicas}`, type: 'DockerServiceScaled' }, () => ({ type: 'ScaleDockerService', data: { replicas } }));
  }

  deleteService(lots: readonly number[]): void {
    const pick = picker(lots);
    const id = pick([...this.services]);
    if (!id) return;
    this.services.delete(id);
    const takes = pick([false, false, true]);
    const what = `delete ${id}${takes ? ' with its volumes' : ''}`;
    void this.#send(this.#nextId(), { what, type: 'DockerServiceDeletionRequested', deed: (gateway, metadata) => {
      this.world.deletions.note(metadata.commandId, () => dependants(this.world.ledger, id));
      return deleteWithVolumes(gateway, id, takes, metadata);
    } }).then((done) => {
      if (!done) this.services.add(id);
    });
  }

  /** @param whenDone told the name of the command, once it was answered as done */
  ask({ whenDone, ...intent }: Intent & { readonly whenDone?: (commandId: string) => void }): void {
    const commandId = this.#nextId();
    void this.#send(commandId, intent).then((done) => done && whenDone?.(commandId));
  }

  /** A change that follows from what the service is as the gateway carries it out. */
  change(dockerServiceId: DockerServiceId, { what, type }: Omit<Intent, 'deed'>, from: (found: Found) => DockerServiceCommand | Promise<DockerServiceCommand>): void {
    void this.#send(this.#nextId(), {
      what,
      type,
      deed: (gateway, metadata) =>
        changeDockerService(gateway, { dockerServiceId, ifMatch: undefined, from: async (service) => withTargetsNow(gateway, await from({ service, commandId: metadata.commandId, gateway, metadata })) }, metadata),
    });
  }

  /** The one that moves a service at the moment. */
  deploymentOf(id: DockerServiceId): DeploymentId | null {
    const service = this.world.ledger.services.get(id);
    return service?.status === 'present' ? (service.activeDeployment?.deploymentId ?? null) : null;
  }

  toNode(nodeId: NodeId, command: Extract<NodeCommand, { type: 'DrainNode' | 'ActivateNode' | 'AdoptNode' | 'RemoveNode' }>): void {
    const types = { DrainNode: 'NodeDrained', ActivateNode: 'NodeActivated', AdoptNode: 'NodeAdopted', RemoveNode: 'NodeRemoved' };
    void this.#send(this.#nextId(), { what: `${command.type} ${nodeId}`, type: types[command.type], deed: (gateway, metadata) => gateway.dispatcher.send(new ToNode(nodeId, command, metadata)) });
  }

  /** Asks a gateway for a service, and whether what it says was ever so. */
  read(lots: readonly number[]): void {
    const pick = picker(lots);
    const id = pick([...this.services]);
    const gateway = this.world.gateways.get(pick(this.world.partsOf('gateway').filter(({ life }) => life))!);
    if (!id || !gateway) return;
    const { world } = this;
    world.timeline.schedule(gateway.life, 1, 'read', () => {
      void getService(gateway.reads, TENANT, id).then((answer) => {
        if (!answer || answer.replicas.running === 0) return;
        world.comesAbout('read');
        const key = answer.status === 'RUNNING' ? slotsKey(id, answer.release) : id;
        const ran = world.truths.slots.get(key) ?? new Set<number>();
        if (ran.size < answer.replicas.running) world.accuse('no answer claims more than has run', `${key} is said to run ${answer.replicas.running}, and containers ran in slots [${[...ran]}]`);
        const service = world.ledger.services.get(id);
        const isChecked = answer.status === 'RUNNING' && service?.status === 'present' && service.releases.get(answer.release!)?.healthcheck;
        const wells = world.truths.wellSlots.get(key) ?? new Set<number>();
        if (isChecked && wells.size < answer.replicas.healthy) world.accuse('no answer claims more than has run', `${key} is said to be well in ${answer.replicas.healthy}, and was in slots [${[...wells]}]`);
      });
    });
  }

  /** The log ends earlier now: what was acknowledged after that is lost with it. */
  forgetAfter(length: number): void {
    this.#restores += 1;
    const kept = this.acknowledged.filter(({ position }) => Number(position) <= length);
    this.acknowledged.splice(0, Infinity, ...kept);
    for (const id of [...this.services]) if (!this.world.ledger.services.has(id)) this.services.delete(id);
    for (const id of [...this.held]) if (!this.world.ledger.values.has(id)) this.held.delete(id);
    for (const id of [...this.resources]) if (!this.world.ledger.resources.has(id)) this.resources.delete(id);
    for (const id of [...this.projects]) if (!this.world.ledger.projects.has(id)) this.projects.delete(id);
    for (const id of [...this.environments]) if (!this.world.ledger.projects.get(this.home.projectId)?.environments.has(id)) this.environments.delete(id);
    for (const id of [...this.jobs]) if (!this.world.ledger.jobs.has(id)) this.jobs.delete(id);
    for (const id of [...this.schedules]) if (!this.world.ledger.schedules.has(id)) this.schedules.delete(id);
  }

  #nextId(): string {
    this.#commands += 1;
    return commandIdOf('client', String(this.#commands));
  }

  /** @returns whether it was answered as done */
  async #send(commandId: string, intent: Intent, tries = TRIES): Promise<boolean> {
    const { doing } = this;
    this.pending += 1;
    try {
      for (let attempt = 1; attempt <= tries; attempt += 1) {
        this.#sent.set(commandId, attempt);
        const outcome = await this.#ask(commandId, intent, attempt - 1);
        if (outcome === 'unanswered') {
          await this.#life.sleep(this.world.timeline.between(100, 3_000));
          continue;
        }
        if (doing && outcome) this.world.comesAbout(doing);
        return outcome !== null;
      }
      return false;
    } finally {
      this.pending -= 1;
    }
  }

  /** @returns how many events it was answered to have come to; null: refused */
  async #ask(commandId: string, intent: Intent, unanswered: number): Promise<number | null | 'unanswered'> {
    const { timeline } = this.world;
    const living = this.world.partsOf('gateway').filter(({ life }) => life);
    const part = living[timeline.between(0, Math.max(0, living.length - 1))];
    if (!part) return 'unanswered';
    const restores = this.#restores;
    const answer = await new Promise<Answer | null>((resolve) => {
      const cancel = this.#life.after(TIMEOUT_MS, () => resolve(null));
      timeline.schedule(part.life, timeline.between(0, 5), 'request', () => {
        const { life } = part;
        void this.#carryOut(part, commandId, intent).then((given) => {
          if (life?.state === 'dead') return;
          timeline.schedule(null, timeline.between(0, 5), 'answer', () => {
            cancel();
            resolve(given);
          });
        });
      });
    });
    this.world.tell(() => `${intent.what}: ${answer ? answer.words : 'no answer'}`);
    if (!answer || answer.again) return 'unanswered';
    // An answer that was on its way while the log was put back speaks of what may be lost.
    if (answer.done && restores === this.#restores) this.acknowledged.push({ ...answer.done, unanswered });
    return answer.done?.times ?? null;
  }

  /** In the gateway, as its controllers do. */
  async #carryOut(part: Part, commandId: string, { what, type, deed }: Intent): Promise<Answer> {
    const { world } = this;
    const gateway = world.gateways.get(part)!;
    const effect = `${commandId}|${type}`;
    const stood = world.ledger.effects.get(effect) ?? 0;
    const { ledger } = world;
    try {
      const metadata: CommandMetadata = {
        commandId, tenantId: this.home.projectId, actor: { type: 'token', id: 'tok_client' }, originId: null, now: gateway.life.now(), correlationId: commandId, causationId: null, bodyHash: what,
      };
      const { events, position } = await deed(gateway, metadata);
      const times = events.filter((event) => event.type === type).length;
      const stands = ledger.effects.get(effect) ?? 0;
      // Others may be earlier, or later: whoever was slow answers when nobody waits for it any more.
      const unanswered = this.#sent.get(commandId)! - 1;
      if (ledger === world.ledger && !isAnswered({ times, unanswered }, stands)) world.accuse('an acknowledged command stands in the log once', `"${what}" stands ${stands} times, and ${times} were acknowledged`);
      return { words: `done (${times})`, again: false, done: { commandId, what, type, times, position } };
    } catch (error) {
      if (error instanceof Transient || error instanceof Unavailable) return { words: error.message, again: true, done: null };
      if (!(error instanceof Rejection || error instanceof InvalidRequest || error instanceof PreconditionFailed || error instanceof Conflict)) world.accuse('no request fails for an unknown reason', `"${what}": ${(error as Error).stack}`);
      const byMe = world.shelf.log.some((event) => event.metadata.commandId === commandId && event.type === type && world.writers.get(event.id) === gateway.life);
      if (ledger === world.ledger && (stood > 0 || byMe)) world.accuse('no answer denies what stands', `"${what}" stands in the log and was refused: ${(error as Error).message}`);
      return { words: `refused: ${(error as Error).message}`, again: false, done: null };
    }
  }
}

interface Answer {
  readonly words: string;
  /** To be sent again: nothing is known. */
  readonly again: boolean;
  readonly done: Omit<Acknowledged, 'unanswered'> | null;
}

/** Whatever changes a container looks up anew what that uses. */
async function withTargetsNow({ aggregates }: SimulatedGateway, command: DockerServiceCommand): Promise<DockerServiceCommand> {
  if ((command.type !== 'ChangeDockerService' && command.type !== 'DeployDockerService') || !command.data.spec?.dependencies) return command;
  const spec = withTargets(command.data.spec, await targetsNow(aggregates, command.data.spec));
  return { ...command, data: { ...command.data, spec } } as DockerServiceCommand;
}

/** Chooses by one lot after the other: the same lots choose the same, as far as there is the same to choose from. */
export function picker(lots: readonly number[]): <T>(from: readonly T[]) => T {
  let next = 0;
  return (from) => from[Math.floor(lots[next++ % lots.length]! * from.length)]!;
}

/** A container as a client asks for it. */
export const specOf = (image: string, cpuMillis: number, hostPort: number | null): ContainerSpec => {
  const amount = { cpuMillis, memoryBytes: 64 * MIB };
  const ports = hostPort === null ? [] : [{ containerPort: 80, protocol: 'tcp' as const, hostPort }];
  return { image, pullPolicy: 'missing', command: null, args: null, env: {}, ports, plan: null, resources: { request: amount, limit: amount }, labels: {}, constraints: [], restartPolicy: ALWAYS, healthcheck: null, ...DEFAULT_TARGETS };
};
