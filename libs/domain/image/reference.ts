import { Rejection } from '../kernel/rejection.ts';

/** An image reference, taken apart: `registry/repository[:tag][@digest]`. */
export interface ImageReference {
  /** Host, with port where one is given: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** `library/nginx`, `myorg/api`. */
  readonly repository: string;
  /** Null only beside a digest. */
  readonly tag: string | null;
  /** `sha256:<64 hex>`; null where the tag alone names the image. */
  readonly digest: string | null;
}

const DEFAULT_REGISTRY = 'docker.io';
const MAX_NAME_LENGTH = 255;

const LABEL = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:]{2,39}\\])(?::(?<port>[1-9][0-9]{0,4}))?$`);
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const IMAGE_ID = /^[0-9a-f]{64}$/;

/** Reads a reference as the engine would (github.com/distribution/reference, `normalize.go`), but strictly: `nginx` is
 *  `docker.io/library/nginx:latest`.
 *  @throws Rejection `image.invalid_reference` that says which part is wrong and what it has to be. */
export function parseImageReference(text: string): ImageReference {
  const at = text.indexOf('@');
  const digest = at < 0 ? null : text.slice(at + 1);
  if (digest !== null && !DIGEST.test(digest)) throw invalid(text, 'a digest must be sha256: and 64 hex digits in lower case');
  const { registry, rest } = splitRegistry(at < 0 ? text : text.slice(0, at));
  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? null : rest.slice(colon + 1);
  if (tag !== null && !TAG.test(tag)) throw invalid(text, 'a tag must be 1 to 128 letters, digits, _, . or -, not beginning with . or -');
  refuseRegistry(text, registry);
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;
  refuseRepository(text, path, `${registry}/${repository}`);
  return { registry, repository, tag: tag ?? (digest === null ? 'latest' : null), digest };
}

/** The one text of a reference: parsing it gives the same reference again. */
export function formatImageReference({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** `nginx` → `docker.io/library/nginx:latest`. @throws Rejection `image.invalid_reference`. */
export const canonicalImage = (text: string): string => formatImageReference(parseImageReference(text));

/** The first part is a registry only where it can't be a path: it has a dot or a port, or is `localhost`. */
function splitRegistry(named: string): { registry: string; rest: string } {
  const slash = named.indexOf('/');
  const first = named.slice(0, Math.max(slash, 0)).toLowerCase();
  if (slash < 0 || !(/[.:]/.test(first) || first === 'localhost')) return { registry: DEFAULT_REGISTRY, rest: named };
  return { registry: first === 'index.docker.io' ? DEFAULT_REGISTRY : first, rest: named.slice(slash + 1) };
}

function refuseRegistry(text: string, registry: string): void {
  const match = REGISTRY.exec(registry);
  if (!match || Number(match.groups?.['port'] ?? 0) > 65_535) throw invalid(text, 'a registry must be a host name or address, with a port from 1 to 65535 if any');
}

function refuseRepository(text: string, path: string, name: string): void {
  if (IMAGE_ID.test(path)) throw invalid(text, 'an image id is no reference: give the image a name and a tag');
  const wrong = path.split('/').find((part) => !PATH_PART.test(part));
  if (wrong !== undefined) throw invalid(text, 'a repository must be parts of a to z and 0 to 9, joined by ., _, __ or - within and / between them');
  if (name.length > MAX_NAME_LENGTH) throw invalid(text, `registry and repository must be at most ${MAX_NAME_LENGTH} characters together`);
}

const invalid = (text: string, wayOut: string): Rejection =>
  new Rejection('invalid', 'image.invalid_reference', `${wayOut}; for example docker.io/library/nginx:1.27`, { image: text.slice(0, MAX_NAME_LENGTH) });

/** An image by the id that an engine gave it: what no registry knows. */
export const isImageId = (image: string): boolean => /^sha256:[0-9a-f]{64}$/.test(image);
