import { isImageId, type DockerServiceEvent, type JobEvent } from '#domain';

/** Everything in a service's and a job's stream that says which image its containers are made from. */
export type ImageEvent = Extract<DockerServiceEvent | JobEvent, { type: 'ReleaseCut' | 'ReleaseImagePinned' | 'JobCreated' }>;

/** Images that may only be taken from the nodes that have them, kept in memory from the log: those that no registry gave, known by their id,
 *  and those of owners that never pull. */
export class LocalImages {
  /** By owner and release, also those that a registry gives: a pin turns a name into an id, and a hook's job keeps the name. */
  readonly #images = new Map<string, { readonly name: string; readonly neverPulled: boolean; readonly pin: string | null }>();
  /** Jobs by the release that they take their image from. */
  readonly #inherited = new Map<string, { readonly name: string; readonly from: string }>();

  /** Takes in what an event says of the image of `ownerId`. */
  take(ownerId: string, event: ImageEvent): void {
    if (event.type === 'ReleaseCut') return this.#cut(keyOf(ownerId, event.data.release), event.data.spec);
    if (event.type === 'JobCreated') return this.#create(ownerId, event.data);
    const key = keyOf(ownerId, event.data.release);
    const image = this.#images.get(key);
    if (image) this.#images.set(key, { ...image, pin: event.data.reference });
  }

  /** The image as engines know it, where a node has to have it already; null where it can be pulled, or nothing is known. */
  of(ownerId: string, release: number | null): string | null {
    const image = this.#images.get(keyOf(ownerId, release));
    if (image) return image.neverPulled || (image.pin !== null && isImageId(image.pin)) ? (image.pin ?? image.name) : null;
    const job = this.#inherited.get(ownerId);
    return job && this.#images.get(job.from)?.name === job.name && this.of(...partsOf(job.from)) !== null ? job.name : null;
  }

  /** The owner is over. */
  forget(ownerId: string): void {
    this.#inherited.delete(ownerId);
    for (const key of this.#images.keys()) if (key.startsWith(`${ownerId}|`)) this.#images.delete(key);
  }

  #cut(key: string, { image, pullPolicy }: { readonly image: string; readonly pullPolicy: string }): void {
    this.#images.set(key, { name: image, neverPulled: pullPolicy === 'never', pin: null });
  }

  #create(jobId: string, { spec, inheritsFrom }: Extract<ImageEvent, { type: 'JobCreated' }>['data']): void {
    if (spec.pullPolicy === 'never') this.#cut(keyOf(jobId, null), spec);
    else if (inheritsFrom) this.#inherited.set(jobId, { name: spec.image, from: keyOf(inheritsFrom.dockerServiceId, inheritsFrom.release) });
  }
}

const keyOf = (ownerId: string, release: number | null): string => `${ownerId}|${release}`;

const partsOf = (key: string): [ownerId: string, release: number] => {
  const [ownerId = '', release] = key.split('|');
  return [ownerId, Number(release)];
};
