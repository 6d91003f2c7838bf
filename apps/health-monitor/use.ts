import { project as projectRules, type NodeId, type Project, type ProjectCommand, type ProjectId, streamOf } from '#domain';
import { readSamples } from '#messaging';
import { commandIdOf } from '#platform';
import { monitorMetadata, type MonitorPorts } from './ports.ts';

/** Agents look every 10 s. */
const LOOK_MS = 30_000;

interface Use {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}
const NONE: Use = { cpuMillis: 0, memoryBytes: 0 };

/** What a project takes, and each of its services. */
interface ProjectUse {
  own: Use;
  readonly services: Map<string, Use>;
}

/** Sets what containers take against the quotas that hold them, and records where that comes near a limit, or doesn't any more: transitions, never
 *  samples. Two looks in a row have to agree, so that what goes up and down around a limit isn't told each time. */
export class QuotaUse {
  private before = new Map<ProjectId, ProjectUse>();

  constructor(
    private readonly ports: Pick<MonitorPorts, 'aggregates' | 'bus' | 'clock' | 'logger'>,
    /** Nodes that are heard from. */
    private readonly reachable: () => readonly NodeId[],
  ) {}

  /** Looks until it is told to stop. */
  async watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.ports.clock.sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      await this.look().catch((error: unknown) => this.ports.logger.warn('use of quotas is not known', { error }));
    }
  }

  /** One look. A node that doesn't answer leaves the sums unknown: then nothing is said. */
  async look(): Promise<void> {
    const { samples, silent } = await readSamples(this.ports.bus, this.reachable(), null);
    if (silent.size > 0) return;
    const now = new Map<ProjectId, ProjectUse>();
    for (const { projectId, owner, cpuMillis, workingSetBytes } of samples) {
      const use = { cpuMillis: Math.round(cpuMillis ?? 0), memoryBytes: workingSetBytes };
      const sums = now.get(projectId) ?? { own: NONE, services: new Map<string, Use>() };
      sums.own = plus(sums.own, use);
      if (owner.type === 'docker_service') sums.services.set(owner.id, plus(sums.services.get(owner.id) ?? NONE, use));
      now.set(projectId, sums);
    }
    const before = this.before;
    this.before = now;
    for (const projectId of new Set([...before.keys(), ...now.keys()])) await this.judge(projectId, before.get(projectId), now.get(projectId));
  }

  private async judge(projectId: ProjectId, before: ProjectUse | undefined, now: ProjectUse | undefined): Promise<void> {
    const { state } = await this.ports.aggregates.load(projectRules, streamOf('project', projectId));
    if (state.status !== 'present') return;
    const warned = [...state.quotas.warnings.values()].filter(({ scope, measure }) => scope === 'docker_service' && measure === 'used').map(({ id }) => id);
    await this.record(state, { scope: 'project', id: projectId }, before?.own, now?.own);
    for (const id of new Set([...(before?.services.keys() ?? []), ...(now?.services.keys() ?? []), ...warned])) {
      await this.record(state, { scope: 'docker_service', id }, before?.services.get(id), now?.services.get(id));
    }
  }

  /** A warning begins by the lower of two looks, and ends by the higher. */
  private async record(project: Project, of: { readonly scope: 'project' | 'docker_service'; readonly id: string }, before: Use = NONE, now: Use = NONE): Promise<void> {
    const asked = (use: Use): ProjectCommand => ({ type: 'RecordUse', data: { ...of, use } });
    const low = asked({ cpuMillis: Math.min(before.cpuMillis, now.cpuMillis), memoryBytes: Math.min(before.memoryBytes, now.memoryBytes) });
    const high = asked({ cpuMillis: Math.max(before.cpuMillis, now.cpuMillis), memoryBytes: Math.max(before.memoryBytes, now.memoryBytes) });
    const [begins, ends] = [projectRules.decide(project, low), projectRules.decide(project, high)];
    const command = begins.some(({ type }) => type === 'QuotaWarningRaised') ? low : ends.some(({ type }) => type === 'QuotaWarningEnded') ? high : null;
    if (!command || !project.projectId) return;
    const at = this.ports.clock.now();
    const metadata = monitorMetadata(commandIdOf('use', of.id, String(at)), project.projectId, at);
    await this.ports.aggregates.handle(projectRules, streamOf('project', project.projectId), command, metadata);
  }
}

const plus = (a: Use, b: Use): Use => ({ cpuMillis: a.cpuMillis + b.cpuMillis, memoryBytes: a.memoryBytes + b.memoryBytes });
