import { parseImageReference } from '#domain';

/** The digest that the registry of `reference` knows its image by, among those that the engine has noted for it (`web@sha256:…`).
 *  Null where the image didn't come from there. */
export function digestIn(reference: string, repoDigests: readonly string[]): string | null {
  const wanted = repositoryOf(reference);
  const found = wanted === null ? undefined : repoDigests.find((each) => repositoryOf(each) === wanted);
  return found?.split('@')[1] ?? null;
}

/** Registry and repository in full: the engine writes them short. */
function repositoryOf(reference: string): string | null {
  try {
    const { registry, repository } = parseImageReference(reference);
    return `${registry}/${repository}`;
  } catch {
    return null;
  }
}
