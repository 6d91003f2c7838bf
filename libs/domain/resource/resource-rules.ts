import { nameViolations } from '../docker-service/spec-rules.ts';
import { textViolations, violation, wholeNumber, type Violation } from '../docker-service/violation.ts';
import type { ResourceKind, ResourceSettings } from './events.ts';

const PORTS: Readonly<Record<ResourceKind, number | null>> = { postgres: 5432, mysql: 3306, redis: 6379, nginx: 80, http: 80, generic: null };

/** Where such a thing listens unless it is said otherwise; null: nobody knows. */
export const defaultPort = (kind: ResourceKind): number | null => PORTS[kind];

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/i;
const HOST_LENGTH = 253;
/** Characters of a user or a database. */
const NAME_LENGTH = 255;

const isIpv4 = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255 && String(Number(part)) === part);

/** RFC 4291 §2.2: eight groups of up to four hex digits, of which one run of zeros may be left out. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (halves.length > 2 || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  return halves.length === 2 ? groups.length < 8 : groups.length === 8;
}

/** Whether a host is an IP address, and no name to look up. */
export const isAddress = (host: string): boolean => isIpv4(host) || (host.includes(':') && isIpv6(host));

/** A name that DNS knows: labels with dots between, the last one not a number (RFC 1123). */
const isHostName = (text: string): boolean => text.length <= HOST_LENGTH && text.split('.').every((label) => LABEL.test(label)) && !/^\d+$/.test(text.split('.').at(-1)!);

/** Every violation of a new resource, in the order of its fields. */
export const resourceViolations = ({ name, kind, settings }: { readonly name: string; readonly kind: ResourceKind; readonly settings: ResourceSettings }): readonly Violation[] => [
  ...nameViolations(name),
  ...settingsViolations(kind, settings),
];

/** Every violation of how it is reached. */
export function settingsViolations(kind: ResourceKind, { hostname, host, port, user, database, password, dockerServiceId }: ResourceSettings): readonly Violation[] {
  return [
    ...((host !== null && hostname === host && !isAddress(host)) || (isHostName(hostname) && hostname !== 'localhost') ? [] : [violation('/hostname', 'invalid', 'must be a host name: labels of a to z, 0 to 9 and - with dots between, not localhost')]),
    ...hostViolations(host, dockerServiceId),
    ...(host !== null && host !== hostname && isHostName(host) ? [violation('/hostname', 'exclusive', `${host} is a name already, and what dependants call it by: leave hostname out, or give an IP address as host`)] : []),
    ...portViolations(kind, port, dockerServiceId),
    ...nameOf('/user', user),
    ...nameOf('/database', database),
    ...(database === '.' || database === '..' ? [violation('/database', 'invalid', `${database} is no name: as the path of a URL it is read as a folder`)] : []),
    ...(password?.version != null ? wholeNumber('/password/version', password.version, 1, Number.MAX_SAFE_INTEGER) : []),
  ];
}

function hostViolations(host: string | null, dockerServiceId: string | null): readonly Violation[] {
  if (host !== null && dockerServiceId !== null) return [violation('/host', 'exclusive', 'give host for what is elsewhere, or docker_service_id for what runs here, not both')];
  if (dockerServiceId !== null) return [];
  if (host === null) return [violation('/host', 'required', 'is needed: an IP address or a DNS name; or docker_service_id for what runs here')];
  if (!isAddress(host)) return isHostName(host) && host !== 'localhost' ? [] : [violation('/host', 'invalid', 'must be an IP address or a DNS name, without a scheme, a port or a path')];
  return /^(127\.|0\.)|^(::1?|0+(:0+){6}:0*1?)$/.test(host) ? [violation('/host', 'invalid', `${host} is the container itself: give an address by which it is reached from elsewhere`)] : [];
}

function portViolations(kind: ResourceKind, port: number | null, dockerServiceId: string | null): readonly Violation[] {
  if (port !== null) return wholeNumber('/port', port, 1, 65_535);
  return dockerServiceId === null ? [violation('/port', 'required', `is needed: ${kind} has no port of its own`)] : [];
}

function nameOf(pointer: string, text: string | null): readonly Violation[] {
  if (text === null) return [];
  if (text === '' || text.length > NAME_LENGTH) return [violation(pointer, 'out_of_range', `must be 1 to ${NAME_LENGTH} characters`)];
  return /[\r\n]/.test(text) ? [violation(pointer, 'invalid', 'must be one line')] : textViolations(pointer, text);
}
