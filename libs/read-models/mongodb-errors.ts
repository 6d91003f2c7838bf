import {
  MongoBulkWriteError, MongoClientClosedError, MongoError, MongoNetworkError, MongoNotConnectedError, MongoServerClosedError, MongoServerError,
  MongoServerSelectionError, MongoStalePrimaryError, MongoTopologyClosedError,
} from 'mongodb';
import { Terminal, Transient } from '#contracts';

/** Server error codes after which the same request may well pass: no primary, a shutdown, a conflict, a limit of time.
 *  Source: MongoDB `error_codes.yml`, the categories RetriableError, NetworkError, ShutdownError, NotPrimaryError and Interruption. */
const PASSING: ReadonlySet<number> = new Set([
  6, 7, 24, 43, 50, 64, 89, 91, 112, 117, 134, 175, 189, 202, 237, 246, 262, 276, 290, 317, 358, 384, 9001, 10058, 10107, 11600, 11601, 11602, 13435, 13436,
]);

const PASSING_KINDS = [
  MongoNetworkError, MongoServerSelectionError, MongoNotConnectedError, MongoServerClosedError, MongoStalePrimaryError, MongoTopologyClosedError,
  MongoClientClosedError,
] as const;

const DUPLICATE_KEY = 11000;

/** What the driver threw, as the house knows errors: Transient `read_models.unavailable` for what passes, Terminal
 *  `read_models.refused` for what doesn't by itself (credentials, rights, a document too large); what isn't the driver's as it is. */
export function asHouseError(error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  if (isPassing(error)) return new Transient('read_models.unavailable', `MongoDB can't be reached or is busy: ${error.message}`, { cause: error });
  return new Terminal('read_models.refused', 'system', `MongoDB refused: ${error.message}`, { cause: error });
}

function isPassing(error: MongoError): boolean {
  if (PASSING_KINDS.some((kind) => error instanceof kind)) return true;
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('RetryableError') || error.hasErrorLabel('TransientTransactionError')) return true;
  return codesOf(error).some((code) => PASSING.has(code));
}

/** A bulk's own code is that of its first error only. */
function codesOf(error: MongoError): number[] {
  const each = error instanceof MongoBulkWriteError ? [error.writeErrors].flat().map(({ code }) => code) : [];
  return [Number(error.code), ...each];
}

/** The key is taken: where a write was guarded by position, something as new or newer stands there. */
export const isDuplicateKey = (error: unknown): boolean => error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/** Which writes of a bulk found their key taken. @throws the error itself when it is about anything else too. */
export function duplicatesIn(error: unknown): readonly number[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const failed = [error.writeErrors].flat();
  if (failed.length === 0 || failed.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  return failed.map(({ index }) => index);
}

/** The collection was dropped under a reader. */
export const isDroppedUnder = (error: unknown): boolean => error instanceof MongoServerError && (error.code === 175 || error.code === 26);
