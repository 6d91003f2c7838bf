import type { ContainerSpec } from './events.ts';
import { escaped, LIMITS, textViolations, violation, wholeNumber, type Violation } from './violation.ts';

/** How much a container may be given. */
export const VALUE_LIMITS = {
  /** Characters of a secret, and of a config's content. */
  length: 65_536,
  secrets: 100,
  configs: 32,
  /** Characters of all contents that stand in a release itself: they are in its event, and in every set that has its replicas. */
  inlineLength: 65_536,
  pathLength: 1_024,
  id: 2 ** 31 - 1,
} as const;

/** Where secrets are that come as files: it is taken. */
export const SECRETS_FOLDER = '/run/secrets';

const KEY = /^[A-Za-z_][-A-Za-z0-9_.]*$/;

/** Every violation of what a container is given of secrets. @param env the names that its own env takes */
export function secretViolations(secrets: NonNullable<ContainerSpec['secrets']>, env: ContainerSpec['env']): readonly Violation[] {
  if (secrets.length > VALUE_LIMITS.secrets) return [violation('/secrets', 'too_many', `must be at most ${VALUE_LIMITS.secrets} keys`)];
  return secrets.flatMap(({ key, version, as }) => {
    const pointer = `/secrets/${escaped(key)}`;
    if (key.length > LIMITS.keyLength) return [violation(pointer, 'too_long', `the key must be at most ${LIMITS.keyLength} characters`)];
    if (!KEY.test(key)) return [violation(pointer, 'invalid', 'the key must begin with a letter or _ and go on with letters, digits, _, . or -')];
    if (as === 'env' && Object.hasOwn(env, key)) return [violation(pointer, 'duplicate', `env has ${key} too: leave it out there, or give the secret another key`)];
    return version === null ? [] : wholeNumber(`${pointer}/version`, version, 1, Number.MAX_SAFE_INTEGER);
  });
}

/** Every violation of the files that a container is given. */
export function configViolations(configs: NonNullable<ContainerSpec['configs']>): readonly Violation[] {
  if (configs.length > VALUE_LIMITS.configs) return [violation('/configs', 'too_many', `must be at most ${VALUE_LIMITS.configs} files`)];
  const inline = configs.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  if (inline > VALUE_LIMITS.inlineLength) return [violation('/configs', 'too_long', `all contents together must be at most ${VALUE_LIMITS.inlineLength} characters: make a config of the large ones, POST /v1/configs`)];
  const paths = new Set<string>();
  return configs.flatMap(({ path, mode, uid, gid, version }, index) => {
    const at = `/configs/${index}`;
    const isTwice = paths.has(path);
    paths.add(path);
    return [
      ...pathViolations(`${at}/path`, path),
      ...(isTwice ? [violation(`${at}/path`, 'duplicate', `${path} is given twice`)] : []),
      ...(/^0?[0-7]{3}$/.test(mode) ? [] : [violation(`${at}/mode`, 'invalid', 'must be permission bits in octal, like "0444"')]),
      ...wholeNumber(`${at}/uid`, uid, 0, VALUE_LIMITS.id),
      ...wholeNumber(`${at}/gid`, gid, 0, VALUE_LIMITS.id),
      ...(version === null ? [] : wholeNumber(`${at}/version`, version, 1, Number.MAX_SAFE_INTEGER)),
    ];
  });
}

/** What the kernel and the engine have there is theirs. */
const TAKEN = /^\/(proc|sys|dev|run\/secrets)(\/|$)|^\/(\.dockerenv|etc\/(hosts|hostname|resolv\.conf))$/;

function pathViolations(pointer: string, path: string): readonly Violation[] {
  if (path.length > VALUE_LIMITS.pathLength) return [violation(pointer, 'too_long', `must be at most ${VALUE_LIMITS.pathLength} characters`)];
  const isPlain = /^(\/[^/]+)+$/.test(path) && !path.split('/').some((part) => part === '.' || part === '..') && !/[,:\\]/.test(path);
  if (!isPlain) return [violation(pointer, 'invalid', 'must be the absolute path of a file, without ., .., double or trailing slashes, commas, colons and backslashes')];
  if (TAKEN.test(path)) return [violation(pointer, 'reserved', 'is the engine’s or the platform’s own: choose another path')];
  return textViolations(pointer, path);
}

/** What is wrong with a secret's value, or a config's content. */
export function valueViolations(pointer: string, value: string, least: number): readonly Violation[] {
  if (value.length < least) return [violation(pointer, 'required', 'must not be empty')];
  if (value.length > VALUE_LIMITS.length) return [violation(pointer, 'too_long', `must be at most ${VALUE_LIMITS.length} characters`)];
  if (value.includes('\0') || !value.isWellFormed()) return [violation(pointer, 'invalid', 'must be well-formed Unicode without a NUL')];
  return [];
}
