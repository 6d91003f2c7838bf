import { formatAmount, formatBytes, type EventType, type VolumeEvent } from '#domain';
import { ASKED, neverWritten, type Sentences } from './sentence.ts';

type Told = VolumeEvent['type'] | 'SecretCreated' | 'SecretVersionAdded' | 'SecretDeleted' | 'ConfigCreated' | 'ConfigVersionAdded' | 'ConfigDeleted' | 'NetworkSubnetChanged' | 'NetworkReservationVoided' | 'SubnetBarred'
  | 'ResourceCreated' | 'ResourceChanged' | 'ResourceDeleted' | 'SecretReservationVoided' | 'ConfigReservationVoided' | 'ResourceReservationVoided' | 'ServiceQuotaChanged' | 'QuotaWarningRaised' | 'QuotaWarningEnded';

/** What happens to the things that containers mount, are given, or speak over. */
export const thingSentences: Sentences<Extract<EventType, Told>> = {
  VolumeCreated: ({ data }) => ({
    what: `the ${data.kind} volume ${data.name} was made, ${data.sizeBytes === null ? '' : `of ${formatBytes(data.sizeBytes)}, `}to be kept in ${data.backend}`,
    why: data.madeFor ? `${data.madeFor} mounts it` : ASKED,
  }),
  VolumeUseBegan: ({ data }) => ({ what: `${data.user.type} ${data.user.id} uses it`, why: 'it mounts it, or is about to' }),
  VolumeUseEnded: ({ data }) => ({ what: `${data.user.type} ${data.user.id} does not use it any more`, why: data.reason.message }),
  VolumeBound: ({ data }, names) => ({ what: `it is on ${names.node(data.nodeId)} from now on, and whatever mounts it runs there`, why: `${names.replica(data.replicaId)} goes there: ${data.reason.message}` }),
  VolumeAwaited: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} goes to ${names.node(data.nodeId)} for it, too`, why: 'it is there, and nobody has seen it made yet' }),
  VolumeAwaitEnded: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} does not wait for it there any more`, why: data.reason.message }),
  VolumeUnbound: ({ data }, names) => ({ what: `it is not on ${names.node(data.nodeId)} any more`, why: data.reason.message }),
  VolumeProvisioned: ({ data }, names) => ({ what: `${names.node(data.nodeId)} has made it`, why: 'its first user was placed there' }),
  VolumeLost: ({ data }, names) => ({ what: `${names.node(data.nodeId)} finds nothing of it any more`, why: data.reason.message }),
  VolumeFound: ({ data }, names) => ({ what: `${names.node(data.nodeId)} has it again`, why: 'somebody has put it back' }),
  VolumeDeletionRequested: ({ data }) => ({ what: 'its deletion was requested, with all that is in it', why: data.reason.message }),
  VolumeCleared: ({ data }, names) => ({ what: `nothing of it is left on ${names.node(data.nodeId)}`, why: data.reason.message }),
  VolumeDeleted: ({ data }) => ({ what: `the volume ${data.name} was deleted`, why: 'nothing of it is left anywhere' }),
  VolumeReservationVoided: neverWritten('volume'),

  SecretCreated: ({ data }) => ({ what: `the secret ${data.name} was made`, why: ASKED }),
  SecretVersionAdded: ({ data, stream }) => ({ what: `the secret ${idOf(stream)} got its version ${data.version}`, why: followed(data.apply) }),
  SecretDeleted: ({ data }) => ({ what: `the secret ${data.name} was deleted`, why: ASKED }),
  SecretReservationVoided: neverWritten('secret'),
  ConfigCreated: ({ data }) => ({ what: `the config ${data.name} was made`, why: ASKED }),
  ConfigVersionAdded: ({ data, stream }) => ({ what: `the config ${idOf(stream)} got its version ${data.version}`, why: followed(data.apply) }),
  ConfigDeleted: ({ data }) => ({ what: `the config ${data.name} was deleted`, why: ASKED }),
  ConfigReservationVoided: neverWritten('config'),

  ResourceCreated: ({ data }) => ({ what: `the ${data.kind} resource ${data.name} was made`, why: ASKED }),
  ResourceChanged: ({ data, stream }) => ({ what: `the resource ${idOf(stream)} is reached in its way ${data.version}`, why: `${ASKED}: who depends on it is to have it at once` }),
  ResourceDeleted: ({ data }) => ({ what: `the resource ${data.name} was deleted`, why: ASKED }),
  ResourceReservationVoided: neverWritten('resource'),

  ServiceQuotaChanged: () => ({ what: 'its quota was changed', why: ASKED }),
  QuotaWarningRaised: ({ data }) => ({ what: `${formatAmount(data.resource, data.amount)} are ${data.measure}: ${data.level}% of the quota and more`, why: `the limit is ${formatAmount(data.resource, data.limit)}` }),
  QuotaWarningEnded: ({ data }) => ({ what: `${formatAmount(data.resource, data.amount)} are ${data.measure}: that is no cause for a warning any more`, why: 'less is needed, or more is allowed' }),

  NetworkSubnetChanged: ({ data }) => ({ what: data.from === null ? `its network got ${data.to}` : `its network moved from ${data.from} to ${data.to}`, why: data.reason.message }),
  NetworkReservationVoided: neverWritten('network'),
  SubnetBarred: ({ data }, names) => ({ what: `${data.subnet} is not allotted any more`, why: `${names.node(data.nodeId)}: ${data.reason.message}` }),
};

const idOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);

const followed = (apply: 'now' | 'next_deploy'): string => `${ASKED}: who follows the latest is to have it ${apply === 'now' ? 'at once' : 'with its next deployment'}`;
