import { queues, subjects, Transient, type Bus, type Logger } from '#contracts';
import { dispatcherOn, type Dispatcher, type HeldKind } from '#application';
import { schemaOf, upcast, type NodeId } from '#domain';
import type { AggregateStore } from '#event-store';
import { Projector, views, type ReadModelStore, type Reads, type View } from '#read-models';
import { HealthMonitor } from '../../../apps/health-monitor/health-monitor.ts';
import { nodeOfSubject } from '../../../apps/health-monitor/ports.ts';
import { JobRunner } from '../../../apps/job-runner/job-runner.ts';
import { Agent } from '../../../apps/node-agent/agent.ts';
import type { Gateway } from '../../../apps/api-gateway/gateway.ts';
import { KeepValue } from '../../../apps/api-gateway/values/keep-value.ts';
import type { Asked } from '../../../apps/api-gateway/resources/refuse-used.ts';
import { HeardNodes } from '../../../apps/api-gateway/nodes/heard-nodes.ts';
import { Scheduler } from '../../../apps/scheduler/scheduler.ts';
import { agentsBus, aggregatesOf, type Weakness } from '../guards.ts';
import { INSTALLATION, type Host } from './host.ts';
import type { Life } from './life.ts';
import type { Shelf, SimulatedStore } from './shelf.ts';

/** What every process of the house is given. */
export interface Surroundings {
  readonly life: Life;
  readonly bus: Bus;
  readonly shelf: Shelf;
  readonly logger: Logger;
  readonly weakness: Weakness;
}

/** The views that a client of the simulation asks for. */
export const LIVE_VIEWS: readonly View[] = [views.services, views.nodes, views.replicas, views.deployments, views.jobs, views.schedules, views.volumes, views.secrets, views.configs, views.resources, views.networks, views.projects] as unknown as readonly View[];

interface OnTheLog {
  readonly store: SimulatedStore;
  readonly aggregates: AggregateStore;
}

function onTheLog({ life, shelf, weakness }: Surroundings, hintMs = 30): OnTheLog {
  const store = shelf.open(life, hintMs);
  return { store, aggregates: aggregatesOf({ store, clock: life, random: life.random, upcast, schemaOf }, weakness, life.name) };
}

/** Soon, so that it happens within a run; and longer than anybody stands still. */
const SWEEP = { everyMs: 60_000, unnamedForMs: 300_000 };

/** As `apps/scheduler/main.ts` puts it together. */
export function startScheduler(around: Surroundings): void {
  const { life, bus, logger, shelf } = around;
  new Scheduler({ ...onTheLog(around), bus, clock: life, random: life.random, logger, vault: shelf.values.vaultOf(life), subnetPool: '10.192.0.0/11', sweep: SWEEP }).start();
}

export function startJobRunner(around: Surroundings): void {
  const { life, bus, logger } = around;
  new JobRunner({ ...onTheLog(around), bus, clock: life, random: life.random, logger }).start();
}

export function startMonitor(around: Surroundings): void {
  const { life, bus, logger } = around;
  const monitor = new HealthMonitor({ ...onTheLog(around), bus, clock: life, random: life.random, logger });
  const options = { queue: queues.monitor };
  bus.subscribe(subjects.register('*'), (request: never, subject) => monitor.register(nodeOfSubject(subject), request), options);
  bus.subscribe(subjects.observations('*'), (batch: never, subject) => monitor.takeObservations(nodeOfSubject(subject), batch), options);
  bus.subscribe(subjects.report('*'), (report: never, subject) => monitor.takeReport(nodeOfSubject(subject), report), options);
  bus.subscribe(subjects.volumes('*'), (report: never, subject) => monitor.takeVolumes(nodeOfSubject(subject), report), options);
  monitor.start();
}

/** The gateway behind its REST edge: what controllers call, and what reads are answered from. */
export interface SimulatedGateway {
  readonly life: Life;
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
  readonly heard: HeardNodes;
  readonly reads: Reads;
  /** What the controllers of secrets and of configs do. */
  readonly keep: Readonly<Record<HeldKind, KeepValue>>;
  /** What looks at who uses what are made at. */
  readonly asked: Asked;
}

export function startGateway(around: Surroundings, models: ReadModelStore): SimulatedGateway {
  const { life, bus, logger, shelf } = around;
  // Late enough to fold many events at once: that costs a run most, and views are late anyhow.
  const { store, aggregates } = onTheLog(around, 1_500);
  const heard = new HeardNodes(life);
  heard.listen(bus);
  const projectors = new Map(LIVE_VIEWS.map((view) => [view.schema.view, new Projector({ store, models, view, clock: life, logger, upcast })]));
  for (const projector of projectors.values()) projector.start();
  const [dispatcher, reads] = [dispatcherOn(aggregates), { models, liveness: heard }];
  const fresh: Gateway['fresh'] = async (names, position) => {
    store.poll();
    const known = position === undefined || (await Promise.all(names.map((name) => projectors.get(name)!.waitFor(position, 10_000)))).every(Boolean);
    if (!known) throw new Transient('read_model.behind', 'the views are behind the log');
    return true;
  };
  const gateway = { parts: { aggregates, store, vault: shelf.values.vaultOf(life) }, reads, fresh };
  const keep = { secret: new KeepValue(gateway, dispatcher, 'secret'), config: new KeepValue(gateway, dispatcher, 'config') };
  return { life, dispatcher, aggregates, heard, reads, keep, asked: gateway };
}

/** @param onOpened told once it has read its folder */
export function startAgent({ life, bus, logger, weakness }: Surroundings, host: Host, onOpened: (nodeId: NodeId) => void): void {
  const settings = { name: host.name, address: '10.0.0.1', labels: {}, capacity: host.capacity };
  const entropy = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, () => Math.floor(life.random() * 256));
  const runtime = host.engineFor(life);
  void Agent.open({ runtime, bus: agentsBus(bus, weakness), clock: life, random: life.random, logger, disk: host.diskFor(life), files: host.files, storage: host.storage, installation: INSTALLATION, settings, entropy }).then((agent) => {
    onOpened(agent.identity.nodeId);
    agent.start();
  });
}
