import { execFile } from 'node:child_process';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { BRISK, deleted, deploy, ended, standingService } from './deploying.ts';
import { IMAGES, makeServiceImages } from './service-images.ts';
import { type Doc, World } from './world.ts';

const VERIFIER = resolve(import.meta.dirname, '../../deploy/verify-audit.ts');

/** Who did what, what was known when, and whether the log is still the one that was signed. */
describe('the audit', () => {
  let world: World;
  let id: string;
  /** Before, during and after its roll to the second image. */
  const instants = { before: '', during: '', after: '' };

  beforeAll(async () => {
    world = await World.start();
    await makeServiceImages(world);
    id = (await standingService(world, { name: 'audited', replicas: 2, deploy: { ...BRISK, max_surge: 1, max_unavailable: 0 } })).docker_service_id;
    instants.before = await instant();
    const deployment = await deploy(world, id, { image: IMAGES.second });
    await world.eventually('a replica of the second release runs beside one of the first', async () => {
      const { items } = await world.get(`/v1/docker-services/${id}/replicas`);
      const up = new Set(items.filter(({ state }: Doc) => state === 'RUNNING').map(({ release }: Doc) => release));
      return up.has(1) && up.has(2);
    });
    instants.during = await instant();
    await ended(world, deployment);
    await world.serviceWhen(id, 'only the new ones are left', (service) => service.replicas.running === 2 && service.release === 2);
    await world.eventually('the old ones are gone', async () => (await world.get(`/v1/docker-services/${id}/replicas`)).items.length === 2);
    instants.after = await instant();
    await world.post(`/v1/docker-services/${id}/scale`, { replicas: 1 });
    await world.running(id, 1);
  }, 240_000);
  afterAll(() => world?.stop(), 60_000);

  const instant = async (): Promise<string> => {
    const now = new Date().toISOString();
    await world.eventually('the instant is over', async () => new Date().toISOString() > now);
    return now;
  };

  it('knows who did what, from what to what, by which command, down to the container', async () => {
    const entries: Doc[] = (await world.get(`/v1/audit?resource=${id}&limit=500`)).items;
    const one = (what: string): Doc => entries.find((entry) => entry.what === what);
    const operator = { type: 'token', id: 'tok_operator' };
    expect(one('DockerServiceCreated')).toMatchObject({ actor: operator, resource: { type: 'docker_service', id }, before: null, after: { name: 'audited' }, command_id: expect.any(String), caused_by: null });
    expect(one('DockerServiceScaled')).toMatchObject({ actor: operator, before: 2, after: 1 });
    expect(one('DeploymentStarted')).toMatchObject({ actor: operator, before: 1, after: 2, command_id: one('DeploymentStarted').command_id });
    const [container] = await world.containers(id);
    const seen = entries.filter(({ what, after }) => what === 'ReplicaObserved' && after?.container_id === container!.id);
    expect(seen.at(-1)).toMatchObject({ actor: { type: 'system' }, resource: { type: 'replica' }, before: { container_id: null } });
    expect((await world.get(`/v1/audit?resource=${id}&actor=tok_operator&what=DockerServiceScaled`)).items).toHaveLength(1);
    expect((await world.get(`/v1/audit?resource=${id}&until=${instants.before}&what=DockerServiceScaled`)).items).toEqual([]);
  });

  it('is exported as JSON lines, in the order of the log', async () => {
    const { text } = await world.sent('GET', `/v1/audit/export?resource=${id}`, { headers: { authorization: `Bearer ${world.installation.token}` } });
    const lines = text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Doc);
    const listed: Doc[] = (await world.get(`/v1/audit?resource=${id}&limit=500`)).items;
    // The old container may be going still.
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.map(({ position }) => position)).toEqual(listed.map(({ position }) => position).reverse().slice(0, lines.length));
  });

  it('answers what was known before, during and after a roll', async () => {
    const at = async (when: keyof typeof instants, path = ''): Promise<Doc> => world.get(`/v1/docker-services/${id}${path}?at=${instants[when]}`);
    expect(await at('before')).toMatchObject({ release: 1, image: `docker.io/${IMAGES.first}`, status: 'RUNNING', deployment: { status: 'SUCCEEDED' }, replicas: { desired: 2, running: 2 } });
    expect(await at('during')).toMatchObject({ release: 2, deployment: { status: 'RUNNING' }, replicas: { desired: 2 } });
    expect(await at('after')).toMatchObject({ release: 2, image: `docker.io/${IMAGES.second}`, status: 'RUNNING', deployment: { status: 'SUCCEEDED' }, replicas: { desired: 2, running: 2 } });
    const releases = async (when: keyof typeof instants): Promise<number[]> => [...new Set<number>((await at(when, '/replicas')).items.map(({ release }: Doc) => release))].sort();
    expect([await releases('before'), await releases('during'), await releases('after')]).toEqual([[1], [1, 2], [2]]);
    const { deployment_id } = (await at('after')).deployment;
    expect(await world.get(`/v1/deployments/${deployment_id}?at=${instants.during}`)).toMatchObject({ status: 'RUNNING', finished_at: null, from_release: 1, to_release: 2 });
    expect((await world.call('GET', `/v1/deployments/${deployment_id}?at=${instants.before}`)).status).toBe(404);
    const diff = await world.get(`/v1/audit/diff?resource=${id}&from=${instants.before}&to=${instants.after}`);
    expect(diff.changes).toEqual(expect.arrayContaining([{ path: '/release', before: 1, after: 2 }, { path: '/image', before: `docker.io/${IMAGES.first}`, after: `docker.io/${IMAGES.second}` }]));
  });

  it('finds in a copy of the store a flipped byte, a dropped tail and two events in each other’s place', async () => {
    let found: Doc;
    await world.eventually('every event stands under a signed head', async () => {
      found = await world.get('/v1/audit/verify');
      return found.projects.every(({ events, sealed }: Doc) => events === sealed);
    });
    expect(found).toMatchObject({ valid: true });
    const project = (await world.service(id)).project_id;
    expect(found.projects).toContainEqual(expect.objectContaining({ project_id: project, head: expect.any(String), broken_at: null }));
    await deleted(world, id);
    await world.eventually('its name is free', async () => (await world.get(`/v1/audit?project_id=${project}&what=NameReleased`)).items.length === 1);
    await world.eventually('that stands under one, too', async () => (await world.get('/v1/audit/verify')).projects.every(({ events, sealed }: Doc) => events === sealed));
    await world.installation.stop();
    if (world.stores.env['EVENT_STORE_URL']) return;

    const own = (db: DatabaseSync): number[] =>
      db.prepare("SELECT position FROM events WHERE json_extract(metadata, '$.tenantId') = ? AND category <> 'audit_chain' ORDER BY position").all(project).map(({ position }) => Number(position));
    const move = (db: DatabaseSync, from: number, to: number) => db.prepare('UPDATE events SET position = ? WHERE position = ?').run(to, from);
    const cases: [string, (db: DatabaseSync) => void][] = [
      ['a flipped byte', (db) => db.exec(`UPDATE events SET data = replace(data, '"from":2,"to":1', '"from":2,"to":0') WHERE type = 'DockerServiceScaled'`)],
      ['a dropped tail', (db) => db.exec(`DELETE FROM events WHERE position > ${own(db).at(-10)}`)],
      ['two events in each other’s place', (db) => {
        const [first, second] = [own(db)[5]!, own(db)[10]!];
        move(db, first, -1);
        move(db, second, first);
        move(db, -1, second);
      }],
    ];
    expect(await verified(world.home, () => undefined)).toMatchObject({ code: 0, found: { valid: true, faults: [] } });
    for (const [what, tamper] of cases) {
      const { code, found: broken } = await verified(world.home, tamper);
      const of = broken.projects.find(({ project_id }: Doc) => project_id === project);
      expect({ what, code, valid: broken.valid, at: of?.broken_at !== null && of?.reason !== null }).toEqual({ what, code: 1, valid: false, at: true });
    }
    // One that was never signed, put in place of the store that its home has heads of: nothing is said of it but what that home holds.
    const home = join(world.home, 'exchanged');
    await mkdir(home);
    for (const name of ['audit-heads.jsonl', 'audit.pub']) await copyFile(join(world.home, name), join(home, name));
    await verified(world.home, (db) => db.exec("UPDATE store SET id = 'another'; DELETE FROM events WHERE category = 'audit_chain'; PRAGMA journal_mode = DELETE"));
    await rename(join(world.home, 'copy.db'), join(home, 'events.db'));
    expect(await ran(home, ['--json'])).toMatchObject({ code: 1, found: { valid: false } });
  }, 120_000);
});

/** Does something to a copy of a home's store and lets the verifier look at it, against the key and the heads that were kept beside. */
async function verified(home: string, tamper: (db: DatabaseSync) => void): Promise<{ code: number; found: Doc }> {
  const copy = join(home, 'copy.db');
  for (const part of ['', '-wal', '-shm']) {
    await rm(copy + part, { force: true });
    if (part !== '-shm') await copyFile(join(home, `events.db${part}`), copy + part).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' && part ? undefined : Promise.reject(error)));
  }
  const db = new DatabaseSync(copy);
  tamper(db);
  db.close();
  return ran(home, ['--store', copy, '--heads', join(home, 'audit-heads.jsonl'), '--key', join(home, 'audit.pub'), '--json']);
}

/** What the verifier says, started in a home. */
async function ran(home: string, args: readonly string[]): Promise<{ code: number; found: Doc }> {
  const { NODE_OPTIONS: _jests, ...environment } = process.env;
  const { code, stdout } = await promisify(execFile)(process.execPath, [VERIFIER, ...args], { env: { ...environment, WAYBILL_HOME: home } }).then(
    (ended) => ({ code: 0, stdout: ended.stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, stdout: error.stdout || error.stderr }),
  );
  return { code, found: JSON.parse(stdout) };
}
