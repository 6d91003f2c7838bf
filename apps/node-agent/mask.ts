import { LABELS, type ContainerRuntime } from '#docker';
import type { ReplicaId } from '#domain';
import type { HostFiles } from './host-files.ts';

/** What stands in a value's place. */
const MASK = '[secret]';

/** Shorter ones would stand in many a line by chance. */
const SHORTEST = 8;

/** Puts `[secret]` wherever a line holds one of these values, or a line of one. The longest first, so that no part of it is left. */
export function maskOf(values: readonly string[]): (line: string) => string {
  const parts = [...new Set(values.flatMap((value) => [value, ...value.split(/\r?\n/)]).map((part) => part.trim()))].filter(({ length }) => length >= SHORTEST).sort((a, b) => b.length - a.length);
  return (line) => parts.reduce((masked, part) => masked.replaceAll(part, MASK), line);
}

/** What stands in place of a line that can't be looked through: a reboot took the files of secrets, and what the container said last is read after it. */
export const WITHHELD = '[withheld: the host forgot, with its memory, the secrets that would be masked here]';

/** The secrets that a container has, as its engine and this host's memory hold them: also where this process didn't make it.
 *  @returns null where some of them are held no more. @throws EngineError when the engine can't be asked */
export async function secretsOf(runtime: Pick<ContainerRuntime, 'inspectContainer' | 'environment'>, files: Pick<HostFiles, 'secretsOf'>, of: { readonly replicaId: ReplicaId; readonly containerId: string }): Promise<readonly string[] | null> {
  const names = (await runtime.inspectContainer(of.containerId))?.labels[LABELS.secrets]?.split(',') ?? [];
  if (names.length === 0) return [];
  const environment = await runtime.environment(of.containerId);
  const given = names.flatMap((name) => environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? []);
  const held = [...given, ...(await files.secretsOf(of.replicaId))];
  return held.length < names.length ? null : held;
}
