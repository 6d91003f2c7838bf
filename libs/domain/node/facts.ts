import { Rejection } from '../kernel/rejection.ts';
import type { NodeFacts } from './events.ts';

/** @throws Rejection `node.facts_invalid` when a host says of itself what can't be. */
export function checkFacts({ name, address, architecture, capacity }: NodeFacts): void {
  const invalid = (pointer: string, detail: string) => new Rejection('invalid', 'node.facts_invalid', detail, { pointer });
  if (!name) throw invalid('/name', 'a node needs a name');
  if (!address) throw invalid('/address', 'a node needs an address');
  if (!architecture) throw invalid('/architecture', 'a node needs an architecture');
  const amounts = [capacity.cpuMillis, capacity.memoryBytes];
  if (!amounts.every((amount) => Number.isSafeInteger(amount) && amount >= 0)) throw invalid('/capacity', 'a capacity is a whole number, 0 or more');
}

/** Whether nothing changed; the order of labels means nothing. */
export function sameFacts(a: NodeFacts, b: NodeFacts): boolean {
  const plain = ({ name, address, architecture, engineVersion, capacity, labels, backends, hostPaths }: NodeFacts) =>
    JSON.stringify([name, address, architecture, engineVersion, capacity.cpuMillis, capacity.memoryBytes, Object.entries(labels).sort(([x], [y]) => (x < y ? -1 : 1)), backends ?? null, hostPaths ?? null]);
  return plain(a) === plain(b);
}
