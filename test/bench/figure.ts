/** One number of a run. What belongs together is measured in turns within one run, and its ratio is a figure of its own: a
 *  machine that is slow or busy slows both sides. */
export interface Figure {
  /** What was measured, as a line of the table. */
  readonly what: string;
  readonly value: number;
  /** `ms`, `/s`, `MiB`, `% of a core`, or `×` for a ratio. */
  readonly unit: string;
  /** What the value has to be; left out where it only informs. */
  readonly aim?: Aim;
}

export type Aim = { readonly atMost: number } | { readonly atLeast: number };

/** A part of the benchmark: it brings what it needs, and takes it away again. */
export interface Part {
  readonly title: string;
  /** @param scale 1 for the whole; less measures fewer rounds of fewer things, for a quick look. */
  run(scale: number): Promise<readonly Figure[]>;
}

/** Whether the aim is met; null where there is none. */
export function isMet({ value, aim }: Figure): boolean | null {
  if (!aim) return null;
  return 'atMost' in aim ? value <= aim.atMost : value >= aim.atLeast;
}

/** The middle one; of an even number the mean of the two in the middle. @throws RangeError for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('there is no median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** `median(of[i] / by[i])`: each round's two sides were measured next to each other. */
export const medianRatio = (of: readonly number[], by: readonly number[]): number => median(of.map((value, round) => value / by[round]!));

/** How long it takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** How often per second something is done that took `ms` for `count`. */
export const perSecond = (count: number, ms: number): number => (count / ms) * 1000;
