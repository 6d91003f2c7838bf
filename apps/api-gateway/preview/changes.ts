import { workingRelease, type ContainerSpec, type ExistingDockerService } from '#domain';
import { deploySettingsDocument, releaseSpecDocument } from '#read-models';
import { isObject } from '../edge/merge-patch.ts';

/** One place where a service would be another: a pointer into the body that would create it, and into `release` beside that. */
export interface ChangeAnswer {
  readonly path: string;
  /** Null where there was nothing. */
  readonly from: unknown;
  /** Null where nothing would be left. */
  readonly to: unknown;
}

/** What would be different of a service; of a new one, all that it is. @param made ids that volumes have in this preview only */
export const changesBetween = (before: ExistingDockerService | null, after: ExistingDockerService, made: ReadonlySet<string>): readonly ChangeAnswer[] =>
  differences(before ? documentOf(before, made) : {}, documentOf(after, made), '');

function documentOf(service: ExistingDockerService, made: ReadonlySet<string>): object {
  const { volumes, labels: _, ...spec } = releaseSpecDocument(service.releases.get(workingRelease(service))!);
  return {
    release: workingRelease(service),
    ...spec,
    volumes: volumes.map((mount) => ('volume_id' in mount && made.has(mount.volume_id) ? { ...mount, volume_id: null } : mount)),
    labels: service.labels,
    replicas: service.replicas,
    deploy: deploySettingsDocument(service.deploy),
  };
}

/** Objects member by member, all else as a whole: as a merge patch would say it. */
function differences(from: unknown, to: unknown, path: string): readonly ChangeAnswer[] {
  if (isObject(from) && isObject(to)) {
    const names = new Set([...Object.keys(from), ...Object.keys(to)]);
    return [...names].flatMap((name) => differences(own(from, name), own(to, name), `${path}/${escaped(name)}`));
  }
  return JSON.stringify(from ?? null) === JSON.stringify(to ?? null) ? [] : [{ path, from: from ?? null, to: to ?? null }];
}

const own = (members: Readonly<Record<string, unknown>>, name: string): unknown => (Object.hasOwn(members, name) ? members[name] : undefined);
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** What a deployment would have mounted, its hooks too: the releases that anything of the service may come to run. */
export function mountsWithin({ releases, deploy, activeDeployment }: ExistingDockerService): readonly NonNullable<ContainerSpec['volumes']>[number][] {
  const hooks = [deploy, activeDeployment?.settings].flatMap((settings) => [settings?.preDeploy, settings?.postDeploy]);
  return [...[...releases.values()].flatMap(({ volumes }) => volumes ?? []), ...hooks.flatMap((hook) => hook?.overrides.volumes ?? [])];
}
