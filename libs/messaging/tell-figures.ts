import { subjects, type Bus, type Clock, type ProcessFigures } from '#contracts';

const EVERY_MS = 10_000;

/** Says every 10 s what a process counts: no truth, and nobody misses one that is lost. @returns a function that ends it. */
export function tellFigures(parts: { readonly bus: Bus; readonly clock: Clock }, figures: () => ProcessFigures): () => void {
  let cancel = (): void => undefined;
  const next = (): void => {
    cancel = parts.clock.after(EVERY_MS, () => {
      const said = figures();
      parts.bus.publish(subjects.figures(said.app), said);
      next();
    });
  };
  next();
  return () => cancel();
}
