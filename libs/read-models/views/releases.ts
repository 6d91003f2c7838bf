import type { TenantContext } from '#contracts';
import { KEPT_RELEASES, type Actor, type DockerServiceId, type ProjectId } from '#domain';
import type { Page } from '../port.ts';
import { findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, keysOf, type Of, type View } from '../view.ts';
import { releaseSpecDocument, type ReleaseSpecDocument } from './container-spec.ts';
import { currentRelease } from './service-members.ts';
import type { ServiceDocument } from './services.ts';

interface ReleaseFields extends ReleaseSpecDocument {
  readonly docker_service_id: DockerServiceId;
  readonly project_id: ProjectId;
  readonly release: number;
  /** The release that a rollback copied whole; null where it was cut from a change. */
  readonly copied_from: number | null;
  /** What its image was found to be: `docker.io/myorg/api@sha256:…`; null before its first replica has it. */
  readonly image_reference: string | null;
  /** The registry's; null before that, and for an image that no registry gave. */
  readonly image_digest: string | null;
  readonly image_id: string | null;
  readonly created_at: string;
  readonly created_by: Actor;
}

/** A frozen spec as it is answered. */
export interface ReleaseAnswer extends ReleaseFields {
  /** The service stands on it, or moves to it. */
  readonly current: boolean;
  /** Its deployment was the last that SUCCEEDED: where a failed one returns to. */
  readonly stable: boolean;
  /** A rollback may ask for it. */
  readonly kept: boolean;
}

export interface ReleaseDocument extends ReleaseFields {
  readonly id: string;
  readonly position: string;
}

/** Every release that was ever cut, one document each: the spec of one never changes, so none is written again and again. */
export const releases: View<ReleaseDocument> = {
  schema: { view: 'releases', version: 2, indexes: [['docker_service_id', 'release'], ['project_id']] },
  prefixes: ['docker_service-'],
  keys: keysOf({
    ReleaseCut: ({ stream, data }) => releaseId(serviceIn(stream), data.release),
    ReleaseImagePinned: ({ stream, data }) => releaseId(serviceIn(stream), data.release),
  }),
  evolve: evolveBy<ReleaseDocument>(
    { ReleaseCut: cut },
    {
      ReleaseImagePinned: (release, { data: { reference, digest, imageId } }) => ({ ...release, image_reference: reference, image_digest: digest, image_id: imageId }),
    },
  ),
};

/** The document of a release. */
export const releaseId = (dockerServiceId: string, release: number): string => `${dockerServiceId}.${release}`;

const serviceIn = (stream: string): DockerServiceId => stream.slice('docker_service-'.length) as DockerServiceId;

function cut({ stream, data, metadata: { at, actor, tenantId }, position }: Of<'ReleaseCut'>): ReleaseDocument {
  return {
    id: releaseId(serviceIn(stream), data.release),
    position,
    docker_service_id: serviceIn(stream),
    project_id: tenantId as ProjectId,
    release: data.release,
    copied_from: data.copiedFrom ?? null,
    ...releaseSpecDocument(data.spec),
    image_reference: null,
    image_digest: null,
    image_id: null,
    created_at: at,
    created_by: actor,
  };
}

/** The releases of a service, the newest first. Empty where it isn't within reach. */
export async function listReleases(reads: Reads, tenant: TenantContext, serviceId: string, paging: Paging = {}): Promise<Page<ReleaseAnswer>> {
  const service = await getWithin<ServiceDocument>(reads, tenant, 'services', serviceId);
  if (!service) return { items: [], next: null };
  const page = await findWithin<ReleaseDocument>(reads, tenant, 'releases', { ...paging, eq: { docker_service_id: serviceId }, sort: { field: 'release', descending: true } });
  return { ...page, items: page.items.map((release) => answer(release, service)) };
}

function answer({ id: _id, position: _position, ...release }: ReleaseDocument, service: ServiceDocument): ReleaseAnswer {
  const current = release.release === currentRelease(service);
  const stable = release.release === service.stable_release;
  // Every number from 1 on was cut, so the last ten are those within ten of the highest.
  return { ...release, current, stable, kept: current || stable || release.release > service.last_release - KEPT_RELEASES };
}

/** The images of these releases of a service, by their number. */
export async function imagesOf(reads: Pick<Reads, 'models'>, dockerServiceId: string, numbers: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const found = await reads.models.getMany<ReleaseDocument>('releases', numbers.map((release) => releaseId(dockerServiceId, release)));
  return new Map([...found.values()].map(({ release, image }) => [release, image]));
}
