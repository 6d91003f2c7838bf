import { violation, type Violation } from '../docker-service/violation.ts';
import { dependencyId, type DependencyUse } from './dependency.ts';
import { prefixOf } from './injected.ts';

/** How much a container may use. */
const DEPENDENCIES = 32;
const PREFIX_LENGTH = 64;
const PREFIX = /^[A-Z_][A-Z0-9_]*$/;

/** Every violation of what a container uses. What a dependency is has to be looked up before, for prefixes and host names follow from it. */
export function dependencyViolations(dependencies: readonly DependencyUse[]): readonly Violation[] {
  if (dependencies.length > DEPENDENCIES) return [violation('/dependencies', 'too_many', `must be at most ${DEPENDENCIES} dependencies`)];
  const prefixes = new Map<string, number>();
  const hosts = new Map<string, string>();
  return dependencies.flatMap((use, index) => {
    const at = `/dependencies/${index}`;
    return [...prefixViolations(use, index, prefixes), ...hostViolations(use, at, hosts)];
  });
}

function prefixViolations(use: DependencyUse, index: number, taken: Map<string, number>): readonly Violation[] {
  const pointer = `/dependencies/${index}/prefix`;
  if (use.prefix !== null && (use.prefix.length > PREFIX_LENGTH || !PREFIX.test(use.prefix))) {
    return [violation(pointer, 'invalid', `must be at most ${PREFIX_LENGTH} of A to Z, 0 to 9 and _, not beginning with a digit`)];
  }
  const prefix = prefixOf(use);
  if (prefix === null) return [];
  const other = taken.get(prefix);
  if (other !== undefined) return [violation(pointer, 'duplicate', `/dependencies/${other} has the prefix ${prefix} too: give one of them another prefix`)];
  taken.set(prefix, index);
  return [];
}

/** One name can't lead to two places. */
function hostViolations(use: DependencyUse, at: string, taken: Map<string, string>): readonly Violation[] {
  if (!use.target) return [];
  const { hostname, address, dockerServiceId } = use.target;
  const place = dockerServiceId ?? address ?? hostname;
  const other = taken.get(hostname);
  taken.set(hostname, place);
  if (other === undefined || other === place) return [];
  return [violation(at, 'duplicate', `${dependencyId(use)} answers to ${hostname}, as another dependency does: give one of the resources another hostname`)];
}
