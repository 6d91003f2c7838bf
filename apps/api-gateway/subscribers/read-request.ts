import type { EventReadRequest } from '#contracts';
import { isEventType, type EventType, type ProjectId } from '#domain';
import { POSITION } from '#event-store';

/** A request in which everything is said. */
export interface ReadRequest extends EventReadRequest {
  readonly limit: number;
  readonly offset: number;
}

/** The request can't be meant; the message says what would be right. */
export class InvalidRead extends Error {}

const MAX_EVENTS = 500;
const MAX_PROJECTS = 1_000;

/** What came over the bus, checked: whoever sent it may be any program. @throws InvalidRead */
export function readRequest(payload: unknown): ReadRequest {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) throw new InvalidRead('send a JSON object like {"after": null}');
  const { after = null, types, projects, limit = MAX_EVENTS, offset = 0, ...unknown } = payload as Record<string, unknown>;
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined) throw new InvalidRead(`"${surplus}" is nothing that a read takes; it takes after, types, projects, limit, offset`);
  if (after !== null && !(typeof after === 'string' && POSITION.test(after))) throw new InvalidRead('after takes the position of an event, or null for the beginning');
  if (!isWhole(limit) || limit < 1 || limit > MAX_EVENTS) throw new InvalidRead(`limit takes a whole number from 1 to ${MAX_EVENTS}`);
  if (!isWhole(offset)) throw new InvalidRead('offset takes a whole number');
  return { after, types: eventTypes(types), projects: projectIds(projects), limit, offset };
}

function eventTypes(types: unknown): readonly EventType[] | undefined {
  if (types === undefined) return undefined;
  if (!isTexts(types)) throw new InvalidRead('types takes a list of event types');
  // One that doesn't exist would be waited for in vain.
  const strange = types.find((type) => !isEventType(type));
  if (strange !== undefined) throw new InvalidRead(`there is no event of type ${strange}`);
  return types as EventType[];
}

function projectIds(projects: unknown): readonly ProjectId[] | undefined {
  if (projects === undefined) return undefined;
  if (!isTexts(projects) || projects.length > MAX_PROJECTS) throw new InvalidRead(`projects takes a list of at most ${MAX_PROJECTS} ids of projects`);
  const strange = projects.find((id) => !id.startsWith('prj_'));
  if (strange !== undefined) throw new InvalidRead(`${strange} is no id of a project`);
  return projects as ProjectId[];
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');
