import { aContainerSpec, aDockerServiceCreated, MemoryReadModels, recorded } from '#testing';
import type { TenantContext } from '#contracts';
import type { Recorded } from '#event-store';
import { everyView } from '../views.ts';
import { foldDocument, type View } from '../view.ts';
import { configs, getSecret, listSecrets, secrets } from './held-values.ts';
import { getService } from './service-queries.ts';
import { services } from './services.ts';
import { valueUsersIn } from './value-users.ts';

const by = { actor: { type: 'token', id: 'tok_a' } } as const;
const created = { type: 'SecretCreated', data: { secretId: 'sec_a', projectId: 'prj_a', environmentId: null, name: 'db', valueId: 'v1' } };
const added = { type: 'SecretVersionAdded', data: { secretId: 'sec_a', version: 2, valueId: 'v2', apply: 'next_deploy' } };
const everybody: TenantContext = { principal: { type: 'token', id: 'tok_a' }, projects: 'all', role: 'operator' };

/** Read models in which these events are folded, view by view. */
async function folded(events: readonly Recorded[]) {
  const models = new MemoryReadModels();
  for (const view of everyView as readonly View[]) {
    await models.prepare(view.schema);
    await models.activate(view.schema.view, view.schema.version);
    const ids = new Set(events.filter(({ stream }) => !view.prefixes || view.prefixes.some((prefix) => stream.startsWith(prefix))).flatMap((event) => view.keys(event)));
    const puts = [...ids].map((id) => foldDocument(view, events.filter(({ stream }) => !view.prefixes || view.prefixes.some((prefix) => stream.startsWith(prefix))), id)).filter((doc) => doc !== null);
    await models.apply({ view: view.schema.view, version: view.schema.version }, null, events.at(-1)!.position, puts.map((doc) => ({ put: doc })));
  }
  return { models, liveness: { silent: () => false, lastHeardAt: () => null } };
}

describe('the views of secrets and configs', () => {
  it('have every version, and who made it; nothing of a value', () => {
    const doc = foldDocument(secrets, recorded('secret-sec_a', [created, added], by), 'sec_a')!;
    expect(doc).toMatchObject({ secret_id: 'sec_a', environment_id: null, name: 'db', version: 2, revision: 1, versions: [{ version: 1, apply: 'now' }, { version: 2, apply: 'next_deploy', created_by: by.actor }] });
    expect(JSON.stringify(doc)).not.toMatch(/v1|v2|value/);
  });

  it('forget what was deleted', () => {
    const deleted = { type: 'SecretDeleted', data: { secretId: 'sec_a', projectId: 'prj_a', environmentId: null, name: 'db' } };
    expect(foldDocument(secrets, recorded('secret-sec_a', [created, deleted]), 'sec_a')).toBeNull();
    const config = { type: 'ConfigCreated', data: { configId: 'cfg_a', projectId: 'prj_a', environmentId: 'env_a', name: 'app', valueId: 'v1' } };
    expect(foldDocument(configs, recorded('config-cfg_a', [config]), 'cfg_a')).toMatchObject({ config_id: 'cfg_a', environment_id: 'env_a', version: 1 });
  });

  it('name who would miss one, whichever release that one may go back to; and show it to nobody of another project', async () => {
    const use = { key: 'DB', secretId: 'sec_a', version: 1, follows: true, as: 'env' } as const;
    const started = (deploymentId: 'dep_1' | 'dep_2', toRelease: number) => ({ type: 'DeploymentStarted', data: { deploymentId, kind: 'deploy', fromRelease: null, toRelease, settings: (aDockerServiceCreated().data as { deploy: object }).deploy, supersedes: null } });
    const ended = { type: 'DeploymentEnded', data: { deploymentId: 'dep_1', outcome: 'SUCCEEDED', reason: { code: 'c', message: 'm' }, toRelease: 1, ordered: [], stopped: [], forgotten: [] } };
    const service = [aDockerServiceCreated({ dockerServiceId: 'svc_a', projectId: 'prj_a' }), { type: 'ReleaseCut', data: { release: 1, spec: aContainerSpec({ secrets: [use] }) } }, started('dep_1', 1), ended, { type: 'ReleaseCut', data: { release: 2, spec: aContainerSpec() } }, started('dep_2', 2)];
    const events = [...recorded('secret-sec_a', [created]), ...recorded('docker_service-svc_a', service, { commandId: '00000000-0000-4000-8000-000000000002' }).map((event, i) => ({ ...event, position: String(10 + i).padStart(20, '0') }))];
    expect(foldDocument(services, events, 'svc_a')).toMatchObject({ release: 2, secrets: {} });
    const reads = await folded(events);
    const user = { type: 'docker_service', id: 'svc_a', name: 'api' };
    expect([...(await valueUsersIn(reads, 'prj_a'))]).toEqual([['sec_a', [user]]]);
    expect((await getSecret(reads, everybody, 'sec_a'))?.used_by).toEqual([user]);
    expect((await listSecrets(reads, everybody, { name: 'db' })).items.map(({ secret_id, used_by }) => [secret_id, used_by.length])).toEqual([['sec_a', 1]]);
    const stranger: TenantContext = { ...everybody, projects: ['prj_b'], role: 'viewer' };
    expect([await getSecret(reads, stranger, 'sec_a'), (await listSecrets(reads, stranger)).items]).toEqual([null, []]);
  });

  it('name a service by what waits for its next deployment, until that is cut or taken back', async () => {
    const waits = (spec: object | null) => ({ type: 'ReleasePostponed', data: { spec } });
    const given = aContainerSpec({ secrets: [{ key: 'DB', secretId: 'sec_a', version: 1, follows: true, as: 'env' }] });
    expect(await usersAfter(waits(given))).toEqual(['sec_a']);
    expect(await usersAfter(waits(given), waits(null))).toEqual([]);
    expect(await usersAfter(waits(given), { type: 'ReleaseCut', data: { release: 2, spec: aContainerSpec() } })).toEqual([]);
  });

  it('name a service by the hooks that the deployment under way has for itself', async () => {
    const settings = (aDockerServiceCreated().data as { deploy: object }).deploy;
    const hook = { timeoutMs: 1_000, retries: 0, overrides: { secrets: [{ key: 'DB', secretId: 'sec_a', version: null, follows: true, as: 'env' }] } };
    const started = { type: 'DeploymentStarted', data: { deploymentId: 'dep_1', kind: 'deploy', fromRelease: null, toRelease: 1, settings: { ...settings, postDeploy: hook }, supersedes: null } };
    const ended = { type: 'DeploymentEnded', data: { deploymentId: 'dep_1', outcome: 'SUCCEEDED', reason: { code: 'c', message: 'm' }, toRelease: 1, ordered: [], stopped: [], forgotten: [] } };
    expect(await usersAfter(started)).toEqual(['sec_a']);
    expect(await usersAfter(started, ended)).toEqual([]);
  });

  it('say on a service at rest that it lacks a version which it is to follow, and warn of a password in its env', async () => {
    const spec = aContainerSpec({ env: { URL: 'redis://:hunter2@cache' }, secrets: [{ key: 'DB', secretId: 'sec_a', version: 1, follows: true, as: 'env' }] });
    const settings = (aDockerServiceCreated().data as { deploy: object }).deploy;
    const started = { type: 'DeploymentStarted', data: { deploymentId: 'dep_1', kind: 'deploy', fromRelease: null, toRelease: 1, settings, supersedes: null } };
    const ended = { type: 'DeploymentEnded', data: { deploymentId: 'dep_1', outcome: 'SUCCEEDED', reason: { code: 'c', message: 'm' }, toRelease: 1, ordered: [], stopped: [], forgotten: [] } };
    const warnings = async (apply: 'now' | 'next_deploy', ...events: readonly { type: string; data: object }[]) => {
      const service = [aDockerServiceCreated({ dockerServiceId: 'svc_a', projectId: 'prj_a' }), { type: 'ReleaseCut', data: { release: 1, spec } }, started, ...events];
      const log = [...recorded('secret-sec_a', [created, { ...added, data: { ...added.data, apply } }]), ...recorded('docker_service-svc_a', service).map((event, i) => ({ ...event, position: String(10 + i).padStart(20, '0') }))];
      const answer = (await getService(await folded(log), everybody, 'svc_a'))!;
      expect(JSON.stringify(answer.warnings)).not.toContain('hunter2');
      return answer.warnings.map(({ code }) => code);
    };
    expect(await warnings('now', ended)).toEqual(['env_password', 'value_behind']);
    expect(await warnings('now')).toEqual(['env_password']);
    expect(await warnings('next_deploy', ended)).toEqual(['env_password']);
    expect(await warnings('now', ended, { type: 'DockerServicePaused', data: {} })).toEqual(['env_password']);
  });

  /** The secrets and configs that a service with one release of nothing is a user of, once this has happened to it. */
  async function usersAfter(...events: readonly { type: string; data: object }[]): Promise<string[]> {
    const service = [aDockerServiceCreated({ dockerServiceId: 'svc_a', projectId: 'prj_a' }), { type: 'ReleaseCut', data: { release: 1, spec: aContainerSpec() } }, ...events];
    return [...(await valueUsersIn(await folded(recorded('docker_service-svc_a', service)), 'prj_a')).keys()];
  }
});
