import type { ReportReply, VolumeReport } from '#contracts';
import { streamOf, volume as volumeRules, wantedOn, type NodeId, type Reason, type VolumeCommand } from '#domain';
import { commandIdOf } from '#platform';
import { monitorMetadata, type MonitorPorts } from './ports.ts';

/** The rest of a report comes again, so that one is never too long for the agent's patience. */
const DEADLINE_MS = 5_000;
const VOLUME_ID = /^vol_[a-z0-9_]{1,64}$/;

/** Records what agents have made, what they have nothing left of, and what they miss. */
export class VolumeReports {
  constructor(private readonly ports: Pick<MonitorPorts, 'aggregates' | 'store' | 'clock' | 'logger'>) {}

  /** What the log has already is silence. Never throws. `taken: false`: not all could be recorded, one that was made is not for this node any more, or it
   *  speaks of another history.
   *  @param nodeId whom the subject says it comes from */
  async take(nodeId: NodeId, { stand, volumes }: VolumeReport): Promise<ReportReply> {
    if (stand?.nodeId !== nodeId || stand.storeId !== this.ports.store.storeId || !Array.isArray(volumes)) return { taken: false };
    try {
      const recorded = await Promise.all(volumes.map((seen) => this.record(nodeId, seen)));
      return { taken: recorded.every((stands) => stands) };
    } catch (error) {
      this.ports.logger.warn('report of volumes not taken', { node_id: nodeId, error });
      return { taken: false };
    }
  }

  /** @returns whether the log says so now: who is told that it was taken in may let a container write to what was made */
  private async record(nodeId: NodeId, { volumeId, state }: VolumeReport['volumes'][number]): Promise<boolean> {
    if (!VOLUME_ID.test(volumeId) || !Object.hasOwn(COMMANDS, state)) return true;
    const stream = streamOf('volume', volumeId);
    const { aggregates, clock } = this.ports;
    const { state: volume, revision } = await aggregates.load(volumeRules, stream);
    if (volume.status !== 'present') return state !== 'made';
    // The same word at another point of the volume's life is another one.
    const metadata = monitorMetadata(commandIdOf('volume-seen', volumeId, nodeId, state, String(revision)), volume.projectId, clock.now());
    const { state: after } = await aggregates.handle(volumeRules, stream, COMMANDS[state](nodeId), metadata, { deadlineMs: DEADLINE_MS });
    return state !== 'made' || wantedOn(after, nodeId) === 'present';
  }
}

const REMOVED: Reason = { code: 'removed', message: 'its agent has nothing of it any more' };
const LOST: Reason = { code: 'volume_lost', message: 'its data was on its node and is gone from there, and as far as the log knows nobody asked for that: put it back, or mount another volume in its place and delete this one' };

const COMMANDS: Readonly<Record<VolumeReport['volumes'][number]['state'], (nodeId: NodeId) => VolumeCommand>> = {
  made: (nodeId) => ({ type: 'RecordVolumeMade', data: { nodeId } }),
  gone: (nodeId) => ({ type: 'RecordVolumeGone', data: { nodeId, reason: REMOVED } }),
  lost: (nodeId) => ({ type: 'RecordVolumeLost', data: { nodeId, reason: LOST } }),
};
