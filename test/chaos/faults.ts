import type { Random } from '#contracts';

/** Something that befalls a part of an installation. */
export interface Fault {
  /** Since the run's beginning; what begins late may last beyond its end. */
  readonly atMs: number;
  /** `kill`: SIGKILL; it is started again by its supervisor, or after `lastingMs` where it has none; `freeze`: SIGSTOP, and SIGCONT after `lastingMs`;
   *  `remove`: one of the engine's containers is removed behind Waybill's back. */
  readonly kind: 'kill' | 'freeze' | 'remove';
  /** By name. Several are hit in one breath. */
  readonly parts: readonly string[];
  readonly lastingMs: number;
}

/** Longer than the silence after which a node counts as unreachable. */
const LONG_FREEZE_MS = 20_000;
const CALM_BEFORE_MS = 1_500;

/** What befalls an installation of these parts, and what it stands on, within `seconds`: the same for the same random numbers. */
export function planFaults(random: Random, seconds: number, parts: readonly string[], outsiders: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  for (let atMs = CALM_BEFORE_MS; atMs < seconds * 1000; atMs += between(random, 300, 5_000)) faults.push(planFault(random, atMs, parts, outsiders));
  return faults;
}

function planFault(random: Random, atMs: number, own: readonly string[], outsiders: readonly string[]): Fault {
  const all = [...own, ...outsiders];
  const kind = random();
  const part = pick(random, all);
  if (kind < 0.04) return { atMs, kind: 'kill', parts: own, lastingMs: 0 };
  if (kind < 0.12) return { atMs, kind: 'remove', parts: ['engine'], lastingMs: 0 };
  if (kind < 0.2) return { atMs, kind: 'kill', parts: [...new Set([part, pick(random, all)])], lastingMs: between(random, 0, 4_000) };
  if (kind < 0.65) return { atMs, kind: 'kill', parts: [part], lastingMs: between(random, 0, 4_000) };
  const lastingMs = random() < 0.75 ? between(random, 200, 5_000) : between(random, 5_000, LONG_FREEZE_MS);
  return { atMs, kind: 'freeze', parts: [part], lastingMs };
}

export const between = (random: Random, least: number, most: number): number => Math.round(least + random() * (most - least));

/** One of a list that isn't empty. */
export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
