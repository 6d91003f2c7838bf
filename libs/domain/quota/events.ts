import type { DockerServiceId } from '../kernel/ids.ts';
import type { QuotaAmounts } from './amounts.ts';
import type { Quota } from './quota.ts';
import type { QuotaWarning } from './warnings.ts';

export interface RoomHolder {
  readonly holder: string;
  readonly countsFor: DockerServiceId | null;
  readonly at: number;
  readonly amounts: QuotaAmounts;
}

/** All stand in the project's stream, so that requests for what is left of a quota come one after the other. */
export type QuotaEvent =
  | { type: 'ProjectQuotaChanged'; data: { from: Quota; to: Quota } }
  | { type: 'ServiceQuotaChanged'; data: { dockerServiceId: DockerServiceId; from: Quota; to: Quota } }
  /** Before the change itself is written on the stream of the `holder` (a service, job or volume), which has `at` events: so much it may come to
   *  need with the change, not in addition. `countsFor`: the service whose quota it is counted by beside the project's; null: nobody's. */
  | { type: 'RoomReserved'; data: RoomHolder & { commandId: string } }
  /** With `at` events in its stream it needs no more than this, what still runs of before included. */
  | { type: 'RoomSettled'; data: RoomHolder }
  /** Nothing is left of the holder. Its own quota goes with it. */
  | { type: 'RoomReleased'; data: { holder: string } }
  /** A quota comes near its end, or nearer than before; `level` in percent. */
  | { type: 'QuotaWarningRaised'; data: QuotaWarning }
  | { type: 'QuotaWarningEnded'; data: Omit<QuotaWarning, 'level'> };
