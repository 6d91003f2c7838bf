import type Dockerode from 'dockerode';
import { toEngineError } from './engine-errors.ts';
import type { ContainerState, EngineError } from './runtime.ts';

/** An engine that doesn't answer within this is taken for unreachable. Pulls and streams have no such bound. */
export const ANSWER_MS = 60_000;

/** One call, bounded in time, its failure sorted. */
export async function ask<T>(call: (signal: AbortSignal) => Promise<T>, ms = ANSWER_MS): Promise<T> {
  const late = AbortSignal.timeout(ms);
  try {
    return await call(late);
  } catch (error) {
    throw toEngineError(error);
  }
}

/** null for what isn't there any more, and for a refusal in these words. */
export async function orNull<T>(asked: Promise<T>, harmless?: RegExp): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    const { code, message } = error as EngineError;
    if (code === 'not_found' || /no such (container|image|network)/i.test(message) || harmless?.test(message)) return null;
    unlessUnchanged(error);
    return null;
  }
}

/** The client counts "not modified" (started or stopped already) as an error. */
export function unlessUnchanged(error: unknown): void {
  const { statusCode } = ((error as Error).cause ?? {}) as { statusCode?: unknown };
  if (statusCode !== 304) throw error;
}

/** A container as the engine describes it. */
export function stateOf(found: Dockerode.ContainerInspectInfo): ContainerState {
  const { State } = found;
  const networks = found.NetworkSettings.Networks;
  // Of several, the one that it was made in: the engine lists them by their names.
  const network = networks[found.HostConfig.NetworkMode ?? ''] ?? Object.values(networks)[0];
  const ended = !State.Running && time(State.FinishedAt) !== null;
  return {
    id: found.Id,
    name: found.Name.replace(/^\//, ''),
    labels: found.Config.Labels,
    imageId: found.Image,
    status: State.Status as ContainerState['status'],
    exitCode: ended ? State.ExitCode : null,
    oomKilled: State.OOMKilled,
    error: State.Error || null,
    startedAt: time(State.StartedAt),
    finishedAt: time(State.FinishedAt),
    address: network?.IPAddress || null,
  };
}

/** The engine writes the year 1 for "never". */
const time = (at: string): string | null => (at && !at.startsWith('0001-') ? at : null);

/** `2026-11-23T10:00:00.123456789Z` → `1795428000.123456789`: the engine reads nanoseconds only so. */
export function epochOf(at: string): string {
  const fraction = /\.(\d+)/.exec(at)?.[1] ?? '0';
  return `${Math.floor(Date.parse(at) / 1000)}.${fraction.padEnd(9, '0')}`;
}

/** What an engine tells line by line, as long as it does. */
export async function* jsonLines(stream: AsyncIterable<unknown>): AsyncIterable<Record<string, unknown>> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as Record<string, unknown>;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as Record<string, unknown>;
}
