import type { Random } from '#contracts';

/** Something that befalls a part of an installation. */
export interface Fault {
  /** Since the run's beginning. */
  readonly atMs: number;
  /** `kill`: SIGKILL, and it is started again after `lastingMs` or by its supervisor; `freeze`: SIGSTOP, and SIGCONT after `lastingMs`;
   *  `remove`: one of its containers is removed behind its back. */
  readonly kind: 'kill' | 'freeze' | 'remove';
  /** Parts by name; `engine` is the daemon of the Docker Engine. Several are hit in one breath. */
  readonly parts: readonly string[];
  readonly lastingMs: number;
}

const ENGINE = 'engine';
/** Longer than the silence after which a node counts as unreachable. */
const LONG_FREEZE_MS = 20_000;
const CALM_BEFORE_MS = 1_500;

/** What befalls an installation of these parts within `seconds`: the same for the same random numbers. */
export function planFaults(random: Random, seconds: number, parts: readonly string[]): Fault[] {
  const all = [...parts, ENGINE];
  const faults: Fault[] = [];
  for (let atMs = CALM_BEFORE_MS; atMs < seconds * 1000; atMs += between(random, 300, 5_000)) faults.push(planFault(random, atMs, all, seconds));
  return faults;
}

function planFault(random: Random, atMs: number, all: readonly string[], seconds: number): Fault {
  const kind = random();
  const part = pick(random, all);
  const leftMs = Math.max(500, seconds * 1000 - atMs);
  if (kind < 0.04) return { atMs, kind: 'kill', parts: all.filter((each) => each !== ENGINE), lastingMs: 0 };
  if (kind < 0.12) return { atMs, kind: 'remove', parts: [ENGINE], lastingMs: 0 };
  if (kind < 0.2) return { atMs, kind: 'kill', parts: [...new Set([part, pick(random, all)])], lastingMs: between(random, 0, 4_000) };
  if (kind < 0.65) return { atMs, kind: 'kill', parts: [part], lastingMs: between(random, 0, 4_000) };
  const lastingMs = random() < 0.75 ? between(random, 200, 5_000) : between(random, 5_000, LONG_FREEZE_MS);
  return { atMs, kind: 'freeze', parts: [part], lastingMs: Math.min(lastingMs, leftMs) };
}

export const between = (random: Random, least: number, most: number): number => Math.round(least + random() * (most - least));

/** One of a list that isn't empty. */
export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
