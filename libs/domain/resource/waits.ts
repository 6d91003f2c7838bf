/** The code of the reason of a replica that is held until a dependency is well. */
export const WAITING = 'dependency_pending';

/** The first way from a service along waits back to itself, that service at both ends; null where there is none.
 *  @param waits the services that each one waits for */
export function waitCycle(from: string, waits: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const cameFrom = new Map<string, string>();
  const open = [from];
  for (let at = open.shift(); at !== undefined; at = open.shift()) {
    for (const next of waits.get(at) ?? []) {
      if (next === from) return wayTo(at, from, cameFrom);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      open.push(next);
    }
  }
  return null;
}

function wayTo(last: string, from: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [from];
  for (let at = last; at !== from; at = cameFrom.get(at)!) way.unshift(at);
  return [from, ...way];
}
