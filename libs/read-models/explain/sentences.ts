import type { EventType } from '#domain';
import type { Recorded } from '#event-store';
import { jobSentences } from './job-sentences.ts';
import { replicaSentences } from './replica-sentences.ts';
import type { Names, Sentence } from './sentence.ts';
import { serviceSentences } from './service-sentences.ts';
import { thingSentences } from './thing-sentences.ts';

const sentences: { readonly [Type in EventType]?: (event: never, names: Names) => Sentence } = { ...serviceSentences, ...replicaSentences, ...jobSentences, ...thingSentences };

/** The types that decide nothing about anything that is ever explained: what makes room for the things that are, and their names. */
export const UNTOLD: ReadonlySet<string> = new Set<EventType>([
  'ProjectCreated', 'ProjectDeleted', 'ProjectReservationVoided', 'EnvironmentCreated', 'EnvironmentDeleted', 'NameClaimed', 'NameReleased',
  'PlanDefined', 'PlanChanged', 'NetworkCreated', 'NetworkDeleted', 'SubnetAllotted', 'SubnetFreed',
  'ProjectQuotaChanged', 'RoomReserved', 'RoomSettled', 'RoomReleased', 'AuditHeadSigned',
  'MemberAdded', 'MemberRoleChanged', 'MemberRemoved', 'TokenIssued', 'TokenRevoked', 'UserCreated', 'UserPasswordChanged', 'UserDeleted',
]);

/** Whether the type has a sentence. */
export const isTold = (type: string): boolean => Object.hasOwn(sentences, type);

/** What happened and why; null for an event that needs no sentence. */
export const sentenceFor = (event: Recorded, names: Names): Sentence | null => (isTold(event.type) ? sentences[event.type as EventType]!(event as never, names) : null);
