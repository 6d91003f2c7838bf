import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '#platform';
import { MemoryLogger, seededRandom } from '#testing';
import { eventIdOf } from '../event-id.ts';
import type { EventStore } from '../port.ts';
import { openSqliteLog } from '../sqlite-log.ts';
import { openSqliteEventStore } from '../sqlite.ts';
import { makeHeadKey, type HeadKey } from './head.ts';
import { HeadsExport, readableHeads, readHeadsFile } from './heads-file.ts';
import { ChainKeeper } from './keeper.ts';
import { verifyChains, type VerifiedChain } from './verify.ts';

const SHOP = 'prj_shop';
const BANK = 'prj_bank';

describe('the audit chain', () => {
  let folder: string;
  let store: EventStore;
  let key: HeadKey;
  let heads: string;
  const ending: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-chain-'));
    heads = join(folder, 'heads.jsonl');
    key = makeHeadKey();
    store = await openSqliteEventStore({ file: join(folder, 'events.db'), clock: systemClock, random: seededRandom(3), logger: new MemoryLogger() });
  });
  afterEach(async () => {
    await stopAll();
    await store.close();
    await rm(folder, { recursive: true });
  });

  async function stopAll(): Promise<void> {
    for (const end of ending.splice(0)) await end();
  }

  async function keep(file = heads, most = 1_000): Promise<void> {
    const stop = new AbortController();
    const exporting = await HeadsExport.open(file);
    const parts = { store, clock: systemClock, logger: new MemoryLogger(), key, onHead: (head: Parameters<HeadsExport['add']>[0]) => exporting.add(head) };
    const running = new ChainKeeper({ ...parts, most, quietMs: 20, longestMs: 60, pollMs: 5 }).run(stop.signal);
    ending.push(async () => {
      stop.abort();
      await running;
      await exporting.close();
    });
  }

  async function tell(stream: string, tenantId: string, names: readonly string[]): Promise<void> {
    const metadata = { commandId: 'c', tenantId, actor: { type: 'user', id: 'usr_1' }, originId: null, correlationId: 'c', causationId: null, at: '2026-01-01T00:00:00.000Z', schema: 1 } as const;
    await store.append(stream, 'any', names.map((name, index) => ({ id: eventIdOf(name, stream, index), type: 'DockerServiceScaled', data: { name, from: 1, to: 2 }, metadata })));
  }

  async function verified(file = join(folder, 'events.db'), options: { heads?: string; key?: HeadKey } = {}): Promise<Record<string, VerifiedChain>> {
    const log = openSqliteLog(file);
    try {
      const found = await verifyChains({ log, keys: [(options.key ?? key).publicKey], ...(options.heads ? { exported: readHeadsFile(options.heads) } : {}) });
      return Object.fromEntries(found.map((each) => [each.chain, each]));
    } finally {
      log.close();
    }
  }

  async function allSealed(events: Record<string, number>): Promise<void> {
    for (let looks = 0; ; looks += 1) {
      const found = await verified();
      const exported = await readFile(heads, 'utf8').catch(() => '');
      if (Object.entries(events).every(([chain, count]) => found[chain]?.sealed === count && exported.includes(found[chain].head!))) return;
      if (looks > 400) throw new Error(`never sealed: ${JSON.stringify(found)}`);
      await systemClock.sleep(10);
    }
  }

  /** Two projects and a node, twice, with heads between. */
  async function history(): Promise<void> {
    await keep();
    await tell('docker_service-svc_a', SHOP, ['a', 'b', 'c']);
    await tell('docker_service-svc_b', BANK, ['x']);
    await tell('node-node_1', 'platform', ['n']);
    await allSealed({ [SHOP]: 3, [BANK]: 1, platform: 1 });
    await tell('docker_service-svc_a', SHOP, ['d', 'e']);
    await tell('docker_service-svc_b', BANK, ['y']);
    await allSealed({ [SHOP]: 5, [BANK]: 2, platform: 1 });
    await stopAll();
  }

  /** A copy of the store with one statement done to it. */
  async function tampered(sql: string): Promise<string> {
    const copy = join(folder, 'copy.db');
    await rm(copy, { force: true });
    for (const part of ['', '-wal']) await copyFile(join(folder, `events.db${part}`), `${copy}${part}`).catch(() => undefined);
    const db = new DatabaseSync(copy);
    db.exec(sql);
    db.close();
    return copy;
  }

  const broken = (found: Record<string, VerifiedChain>): string[] => Object.values(found).filter((each) => each.broken).map(({ chain }) => chain);
  const flip = (column: string, name: string, from: string, to: string) => `UPDATE events SET ${column} = replace(${column}, '${from}', '${to}') WHERE data LIKE '%"name":"${name}"%'`;

  it('comes over the events of each project, and of none, in batches, and never over its own heads', async () => {
    await history();
    const found = await verified(undefined, { heads });
    expect(broken(found)).toEqual([]);
    expect(Object.values(found).map(({ chain, events, sealed }) => [chain, events, sealed])).toEqual([['platform', 1, 1], [BANK, 2, 2], [SHOP, 5, 5]]);
    const { events } = await store.readRaw(null, { prefixes: ['audit_chain-'], limit: 100 });
    expect(events.length).toBeLessThanOrEqual(8);
    await keep();
    await systemClock.sleep(150);
    expect((await store.readRaw(null, { prefixes: ['audit_chain-'], limit: 100 })).events).toHaveLength(events.length);
  });

  it.each([
    ['a flipped byte of data', flip('data', 'b', '"from":1', '"from":3'), 0],
    ['a flipped byte that leaves no JSON', flip('data', 'b', '"from":1', '"from"21'), 2],
    ['a flipped byte of who did it', flip('metadata', 'b', 'usr_1', 'usr_2'), 0],
    ['another type', flip('type', 'b', 'Scaled', 'Scalex'), 0],
    ['two events in each other’s place', 'UPDATE events SET position = 9999 WHERE position = 2; UPDATE events SET position = 2 WHERE position = 3; UPDATE events SET position = 3 WHERE position = 9999', 0],
    ['one event less', `DELETE FROM events WHERE data LIKE '%"name":"b"%'`, 0],
  ])('finds %s, and where', async (_, sql, at) => {
    await history();
    const found = await verified(await tampered(sql));
    expect(broken(found)).toEqual([SHOP]);
    expect(Number(found[SHOP]!.broken!.at)).toBe(at || 1);
    expect(Number(found[SHOP]!.broken!.upTo)).toBeLessThanOrEqual(3);
  });

  it('finds a byte that was flipped in the file itself', async () => {
    await history();
    const copy = await tampered('PRAGMA wal_checkpoint(TRUNCATE)');
    const bytes = await readFile(copy);
    const before = '"name":"';
    // SQLite leaves it standing where it lay before a page was split, too.
    for (let at = bytes.indexOf(`${before}b"`); at >= 0; at = bytes.indexOf(`${before}b"`, at)) bytes[at + before.length]! ^= 0x80;
    await writeFile(copy, bytes);
    expect(broken(await verified(copy))).toEqual([SHOP]);
  });

  it('finds an event that is filed where nobody looks for it', async () => {
    await history();
    const log = openSqliteLog(await tampered(`UPDATE events SET category = 'job' WHERE position = 1`));
    expect(log.faults()).toEqual(['event 1 of docker_service-svc_a is filed under job']);
    log.close();
  });

  it('finds an event that was moved to another project', async () => {
    await history();
    const found = await verified(await tampered(flip('metadata', 'b', SHOP, BANK)));
    expect(broken(found)).toEqual([BANK, SHOP]);
  });

  it('finds a tail that was dropped: by the heads that stand in the store, and by the exported ones where those went too', async () => {
    await history();
    const events = await verified(await tampered(`DELETE FROM events WHERE data LIKE '%"name":"e"%'`));
    expect(events[SHOP]).toMatchObject({ events: 4, sealed: 3, broken: { reason: expect.stringContaining('the rest is gone') } });
    const cut = await tampered(`DELETE FROM events WHERE position >= (SELECT position FROM events WHERE data LIKE '%"name":"d"%')`);
    expect(broken(await verified(cut))).toEqual([]);
    const held = await verified(cut, { heads });
    expect(broken(held)).toEqual([BANK, SHOP]);
    expect(held[SHOP]!.broken).toMatchObject({ reason: expect.stringMatching(/the rest is gone|not in the store any more/) });
  });

  it('finds heads of one chain that went, by those of the others', async () => {
    await history();
    await keep();
    await tell('node-node_1', 'platform', ['m']);
    await allSealed({ [SHOP]: 5, [BANK]: 2, platform: 2 });
    await stopAll();
    const found = await verified(await tampered(`DELETE FROM events WHERE stream = 'audit_chain-${SHOP}'; ${flip('data', 'b', '"from":1', '"from":3')}`));
    expect(broken(found)).toEqual([SHOP]);
    expect(found[SHOP]).toMatchObject({ sealed: 0, broken: { at: expect.stringMatching(/^0*1$/), reason: expect.stringContaining('that head is gone') } });
  });

  it('finds a history that was written anew and signed with another key', async () => {
    await history();
    expect(broken(await verified(undefined, { key: makeHeadKey() }))).toEqual(['platform', BANK, SHOP]);
    expect((await verified(undefined, { key: makeHeadKey() }))[SHOP]!.broken!.reason).toContain('not known here');
  });

  it('finds a head that was changed', async () => {
    // One chain alone: heads of others would miss that one, or not, by which of them came later.
    await keep();
    await tell('docker_service-svc_a', SHOP, ['a', 'b', 'c']);
    await allSealed({ [SHOP]: 3 });
    await stopAll();
    const forged = await verified(await tampered(`UPDATE events SET data = replace(data, '"events":3', '"events":4') WHERE stream = 'audit_chain-${SHOP}'`));
    expect(forged[SHOP]!.broken!.reason).toContain('does not bear the signature');
  });

  it('goes on after a stop from where its heads are, and agrees with others that keep the same store', async () => {
    await keep(heads, 2);
    await keep(join(folder, 'other.jsonl'), 2);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await tell('docker_service-svc_a', SHOP, [name]);
    await allSealed({ [SHOP]: 5 });
    await stopAll();
    await tell('docker_service-svc_a', SHOP, ['f']);
    await tell('docker_service-svc_b', BANK, ['x']);
    await keep();
    await allSealed({ [SHOP]: 6, [BANK]: 1 });
    expect(broken(await verified(undefined, { heads }))).toEqual([]);
    expect(broken(await verified(undefined, { heads: join(folder, 'other.jsonl') }))).toEqual([]);
  });

  it('says which line of an export is no head, and goes by those before it', async () => {
    await history();
    const lines = (await readFile(heads, 'utf8')).split('\n');
    await writeFile(heads, [lines[0], 'no head', ...lines.slice(1)].join('\n'));
    const faults: string[] = [];
    const found: string[] = [];
    for await (const head of readableHeads([heads], (fault) => faults.push(fault))) found.push(JSON.stringify(head));
    expect([found, faults]).toEqual([[lines[0]], ['line 2 of heads.jsonl is no head of an audit chain']]);
    await expect(readableHeads([join(folder, 'none.jsonl')], () => undefined).next()).rejects.toThrow('ENOENT');
  });

  it('exports each head once, also after a crash that cut a line off', async () => {
    await history();
    const whole = await readFile(heads, 'utf8');
    const torn = join(folder, 'torn.jsonl');
    await writeFile(torn, whole.slice(0, -30));
    await keep(torn);
    for (let looks = 0; looks < 200 && (await readFile(torn, 'utf8')) !== whole; looks += 1) await systemClock.sleep(10);
    expect(await readFile(torn, 'utf8')).toBe(whole);
  });
});
