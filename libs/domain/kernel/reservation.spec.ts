import { config } from '../config/config.ts';
import { dockerService } from '../docker-service/decide.ts';
import { job } from '../job/decide.ts';
import { network } from '../network/network.ts';
import { project } from '../project/decide.ts';
import { resource } from '../resource/resource.ts';
import { secret } from '../secret/secret.ts';
import { volume } from '../volume/decide.ts';
import type { Decider } from './decider.ts';
import { given } from './given.ts';
import { isUnwritten, type VoidReservation } from './reservation.ts';

type Event = { readonly type: string; readonly data: object };
type Rules = Decider<{ readonly status: string }, { readonly type: string; readonly data: object }, Event>;

const reason = { code: 'volume.exists', message: 'another request makes the volume x just now' };
const voiding: VoidReservation = { type: 'VoidReservation', data: { commandId: 'c', name: 'x', reason } };
const common = { projectId: 'prj_a', environmentId: 'env_a', networkId: 'net_a', name: 'x' } as const;
const value = { projectId: 'prj_a', environmentId: null, name: 'x', valueId: 'v1' } as const;

describe.each([
  ['project', project, 'ProjectReservationVoided', 'CreateProject', { projectId: 'prj_a', name: 'x' }],
  ['docker_service', dockerService, 'ReservationVoided', 'CreateDockerService', { ...common, dockerServiceId: 'svc_a', kind: 'worker', replicas: 1 }],
  ['volume', volume, 'VolumeReservationVoided', 'CreateVolume', { ...common, volumeId: 'vol_a', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null }],
  ['network', network, 'NetworkReservationVoided', 'CreateNetwork', { ...common, driver: 'bridge', subnet: null }],
  ['secret', secret, 'SecretReservationVoided', 'CreateSecret', { ...value, secretId: 'sec_a' }],
  ['config', config, 'ConfigReservationVoided', 'CreateConfig', { ...value, configId: 'cfg_a' }],
  ['resource', resource, 'ResourceReservationVoided', 'CreateResource', { ...common, resourceId: 'res_a', kind: 'postgres', settings: {} }],
  ['job', job, 'JobReservationVoided', 'CreateJob', { ...common, jobId: 'job_a' }],
] as const)('what was reserved for a %s', (_, decider, type, create, data) => {
  const rules = decider as unknown as Rules;
  const voided: Event = { type, data: type === 'JobReservationVoided' ? { commandId: 'c', reason } : voiding.data };

  it('is voided once, and then it is never written: whoever asks hears why', () => {
    given(rules, []).when(voiding).then([voided]);
    given(rules, [voided]).when(voiding).then([]);
    given(rules, [voided]).when({ type: create, data }).rejects('reservation.voided', { reason: 'volume.exists' });
    expect(isUnwritten(rules.evolve(rules.initial, voided))).toBe(true);
  });

  it('was voided for no reason that is known where that was so before', () => {
    given(rules, [{ type, data: { commandId: 'c', name: 'x' } }]).when({ type: create, data }).rejects('reservation.voided', {});
  });

  it('stays its own once it is written', () => {
    const born: Event = { type: create.replace('Create', '') + 'Created', data };
    given(rules, [born]).when(voiding).rejects('reservation.in_use');
    expect(isUnwritten(rules.evolve(rules.initial, born))).toBe(false);
  });
});
