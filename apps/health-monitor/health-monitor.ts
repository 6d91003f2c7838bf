import type { ObservationBatch, ObservationReply, RegisterReply, RegisterRequest, Report, ReportReply, VolumeReport } from '#contracts';
import { parseStream, upcast, type NodeEvent, type NodeId } from '#domain';
import { followLog } from '#event-store';
import { Liveness } from './liveness.ts';
import { Observations } from './observations.ts';
import type { MonitorPorts } from './ports.ts';
import { ObservationRecorder } from './record-observation.ts';
import { Registration } from './registration.ts';
import { Reports } from './reports.ts';
import { VolumeReports } from './volume-reports.ts';

/** The health monitor: takes in what agents say, and decides whether their nodes are alive. Any number of them may run on one
 *  log; each agent's request goes to one of them, each heartbeat to all. */
export class HealthMonitor {
  private readonly registration: Registration;
  private readonly observations: Observations;
  private readonly reports: Reports;
  private readonly volumes: VolumeReports;
  private readonly liveness: Liveness;
  private readonly stopping = new AbortController();
  private following: Promise<void> = Promise.resolve();
  private readonly answering = new Set<Promise<unknown>>();
  private caughtUp = false;
  private trouble: Error | null = null;

  constructor(private readonly ports: MonitorPorts) {
    const recorder = new ObservationRecorder(ports);
    this.registration = new Registration(ports);
    this.observations = new Observations(ports, recorder);
    this.reports = new Reports(ports, recorder);
    this.volumes = new VolumeReports(ports);
    this.liveness = new Liveness(ports);
  }

  /** Answers `subjects.register`. @param nodeId from the subject */
  register(nodeId: NodeId, request: RegisterRequest): Promise<RegisterReply> {
    return this.answer(this.registration.register(nodeId, request));
  }

  /** Answers `subjects.observations`. @param nodeId from the subject */
  takeObservations(nodeId: NodeId, batch: ObservationBatch): Promise<ObservationReply> {
    return this.answer(this.observations.take(nodeId, batch));
  }

  /** Answers `subjects.report`. @param nodeId from the subject */
  takeReport(nodeId: NodeId, report: Report): Promise<ReportReply> {
    return this.answer(this.reports.take(nodeId, report));
  }

  /** Answers `subjects.volumes`. @param nodeId from the subject */
  takeVolumes(nodeId: NodeId, report: VolumeReport): Promise<ReportReply> {
    return this.answer(this.volumes.take(nodeId, report));
  }

  /** Begins to follow the nodes' streams, and at their end to listen for heartbeats. */
  start(): void {
    const { store, clock, logger } = this.ports;
    this.following = followLog({
      store,
      after: null,
      prefixes: ['node-'],
      signal: this.stopping.signal,
      clock,
      onEvent: (recorded) => {
        this.trouble = null;
        this.liveness.takeEvent(parseStream(recorded.stream).id as NodeId, upcast(recorded) as unknown as NodeEvent);
      },
      onCaughtUp: () => this.takeCaughtUp(),
      onDegraded: (error) => {
        this.trouble = error;
        logger.warn('log can not be followed', { error });
      },
    });
  }

  /** Judges nothing more. @returns when what was asked before has been answered. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.liveness.stop();
    await Promise.allSettled([this.following, ...this.answering]);
  }

  /** Whether it judges liveness yet, in a sentence. */
  readiness(): { ok: boolean; detail: string } {
    if (this.trouble) return { ok: false, detail: `the log can't be followed: ${this.trouble.message}` };
    return this.caughtUp ? { ok: true, detail: 'listens to the nodes' } : { ok: false, detail: 'reads the nodes from the log' };
  }

  private takeCaughtUp(): void {
    this.trouble = null;
    if (this.caughtUp || this.stopping.signal.aborted) return;
    this.caughtUp = true;
    this.liveness.start(this.stopping.signal);
  }

  private async answer<T>(answer: Promise<T>): Promise<T> {
    this.answering.add(answer);
    try {
      return await answer;
    } finally {
      this.answering.delete(answer);
    }
  }
}
