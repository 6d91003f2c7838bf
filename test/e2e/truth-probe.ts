import { setTimeout as pause } from 'node:timers/promises';
import { listContainers, type SeenContainer } from './engine-watch.ts';
import type { Doc, World } from './world.ts';

/** An agent says every 5 s that it is there; what has just changed on an engine may take as long to be known. */
const HEARTBEAT_MS = 5_000;
const EVERY_MS = 100;

/** A claim that the engine contradicted for longer than a heartbeat. */
export interface Contradiction {
  readonly claim: string;
  readonly forMs: number;
  readonly service: Doc;
  readonly deployment: Doc;
  readonly engine: readonly SeenContainer[];
}

interface Sample {
  readonly service: Doc;
  /** The one that the service names. */
  readonly deployment: Doc;
  readonly engine: readonly SeenContainer[];
}

/** Polls a service, its deployment and the engine ten times a second, and remembers every claim that the engine contradicts for longer
 *  than a heartbeat. A sample in which one of the three doesn't answer says nothing, and takes nothing back. */
export class TruthProbe {
  readonly contradictions: Contradiction[] = [];
  /** Every status that was ever read, in order, each change once. */
  readonly statuses: string[] = [];
  samples = 0;
  /** When a claim began to be contradicted. */
  readonly #since = new Map<string, number>();
  readonly #reported = new Set<string>();
  #isOver = false;
  #watching: Promise<void> = Promise.resolve();

  private constructor(
    private readonly world: World,
    private readonly serviceId: string,
  ) {}

  static watch(world: World, serviceId: string): TruthProbe {
    const probe = new TruthProbe(world, serviceId);
    probe.#watching = probe.#watch();
    return probe;
  }

  /** Ends it. @returns what was contradicted for too long: nothing, where all was true. */
  async stop(): Promise<readonly Contradiction[]> {
    this.#isOver = true;
    await this.#watching;
    return this.contradictions;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const began = Date.now();
      const sample = await this.#sample().catch(() => null);
      if (sample) this.#judge(sample);
      await pause(Math.max(0, EVERY_MS - (Date.now() - began)));
    }
  }

  async #sample(): Promise<Sample> {
    const [service, engine] = await Promise.all([this.world.service(this.serviceId), listContainers(this.world.engine.host, this.serviceId)]);
    const deployment = service.deployment && (await this.world.get(`/v1/deployments/${service.deployment.deployment_id}`));
    return { service, deployment, engine };
  }

  #judge(sample: Sample): void {
    this.samples += 1;
    const status = `${sample.service.status} on release ${sample.service.release}, deployment ${sample.deployment?.status ?? 'none'}`;
    if (this.statuses.at(-1) !== status) this.statuses.push(status);
    const now = Date.now();
    const untrue = new Set(untrueClaims(sample));
    for (const claim of this.#since.keys()) if (!untrue.has(claim)) this.#since.delete(claim);
    for (const claim of untrue) {
      const since = this.#since.get(claim) ?? now;
      this.#since.set(claim, since);
      if (now - since <= HEARTBEAT_MS || this.#reported.has(claim)) continue;
      this.#reported.add(claim);
      this.contradictions.push({ claim, forMs: now - since, ...sample });
    }
  }
}

/** What is claimed beyond what the engine shows. */
function untrueClaims({ service, deployment, engine }: Sample): string[] {
  const runs = engine.filter(({ state }) => state === 'running');
  const slotsOn = (release: number): number => slotsOf(runs.filter((container) => container.release === release));
  const current = slotsOn(service.release);
  const isRunning = service.status === 'RUNNING';
  const needed = service.replicas.desired - service.replicas.finished;
  const claims: [string, boolean][] = [
    [`RUNNING on release ${service.release}`, isRunning && current < needed],
    [`${service.replicas.running} running`, service.replicas.running > current],
    [`${service.replicas.healthy} healthy`, service.replicas.healthy > current],
    ...(deployment ? deploymentClaims(deployment, service.release, slotsOn) : []),
    [`deployment SUCCEEDED, and the service RUNNING`, isRunning && deployment?.status === 'SUCCEEDED' && slotsOn(deployment.to_release) < needed],
  ];
  return claims.flatMap(([claim, isUntrue]) => (isUntrue ? [claim] : []));
}

const deploymentClaims = ({ status, to_release, counts }: Doc, shown: number, slotsOn: (release: number) => number): [string, boolean][] => [
  [`ROLLED_BACK from release ${to_release}`, status === 'ROLLED_BACK' && to_release !== shown && slotsOn(to_release) > 0],
  [`${counts?.running} of release ${to_release} run`, counts !== null && counts.running > slotsOn(to_release)],
];

/** A slot that holds two counts once. */
const slotsOf = (containers: readonly SeenContainer[]): number => new Set(containers.map(({ slot }) => slot)).size;
