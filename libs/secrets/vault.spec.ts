import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Sensitive } from '#domain';
import { MemoryValueStore, VirtualClock } from '#testing';
import { KeyFile } from './key-file.ts';
import { openValueStore } from './open.ts';
import type { KeptValue } from './port.ts';
import { rotateKey } from './rotate.ts';
import { Vault } from './vault.ts';

const ref = (id = 'sec_a', version = 1) => ({ projectId: 'prj_a', id, version, valueId: `v${version}` });
const secret = (text: string) => new Sensitive(text);

describe('a vault', () => {
  let folder: string;
  let keyFile: string;
  let keys: KeyFile;
  let store: MemoryValueStore;
  let vault: Vault;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-vault-'));
    keyFile = join(folder, 'own/values.key');
    keys = await KeyFile.open(keyFile);
    store = new MemoryValueStore();
    vault = new Vault(keys, store);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const read = async (of = ref()): Promise<string> => (await vault.open(of)).reveal().toString();
  /** Does something to what is kept, as whoever can write to the store could. */
  const tamper = async (change: (kept: KeptValue) => Partial<KeptValue>, of = ref()): Promise<void> => {
    const kept = (await store.find(of))!;
    await store.remove(of);
    await store.insert({ ...kept, ...change(kept) });
  };

  it('gives back what it was given, whatever that is', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), fc.uuid(), async (text, valueId) => {
        const of = { ...ref(), valueId };
        expect(await vault.keep(of, secret(text))).toBe(true);
        expect(await read(of)).toBe(Buffer.from(text).toString());
      }),
      { numRuns: 30 },
    ));

  it('keeps nothing in clear, and nothing twice alike', async () => {
    await vault.keep(ref('sec_a'), secret('hunter2hunter2'));
    await vault.keep(ref('sec_b'), secret('hunter2hunter2'));
    const [a, b] = [(await store.find(ref('sec_a')))!, (await store.find(ref('sec_b')))!];
    expect(JSON.stringify([a, b]) + a.ciphertext.toString('latin1')).not.toContain('hunter2');
    expect(a.ciphertext.equals(b.ciphertext)).toBe(false);
    expect(a.wrapped.equals(b.wrapped)).toBe(false);
  });

  it('is told of the same value again in silence, and of another one under the same name says no', async () => {
    expect(await vault.keep(ref(), secret('one'))).toBe(true);
    expect(await vault.keep(ref(), secret('one'))).toBe(true);
    expect(await vault.keep(ref(), secret('two'))).toBe(false);
    expect(await read()).toBe('one');
    expect(await vault.holds(ref(), secret('two'))).toBe(false);
  });

  it('refuses what was cut, and what was changed by a bit', async () => {
    await vault.keep(ref(), secret('a value'));
    const { ciphertext } = (await store.find(ref()))!;
    for (const length of [0, 5, 27, ciphertext.length - 1]) {
      await tamper(() => ({ ciphertext: ciphertext.subarray(0, length) }));
      await expect(vault.open(ref())).rejects.toMatchObject({ code: 'value.unreadable', message: expect.stringContaining('version 1 of sec_a') });
    }
    for (let at = 0; at < ciphertext.length; at += 7) {
      const changed = Buffer.from(ciphertext);
      changed[at]! ^= 1;
      await tamper(() => ({ ciphertext: changed }));
      await expect(vault.open(ref())).rejects.toMatchObject({ code: 'value.unreadable' });
    }
  });

  it('refuses a version that was put in another’s place, whole or in part', async () => {
    await vault.keep(ref('sec_a', 1), secret('old'));
    await vault.keep(ref('sec_a', 2), secret('new'));
    await vault.keep(ref('sec_b', 1), secret('another’s'));
    const old = (await store.find(ref('sec_a', 1)))!;
    await tamper(() => ({ ciphertext: old.ciphertext, wrapped: old.wrapped }), ref('sec_a', 2));
    await expect(vault.open(ref('sec_a', 2))).rejects.toMatchObject({ code: 'value.key_wrong' });
    await tamper(() => ({ ciphertext: old.ciphertext }), ref('sec_b', 1));
    await expect(vault.open(ref('sec_b', 1))).rejects.toMatchObject({ code: 'value.unreadable' });
    await expect(vault.open({ ...ref('sec_a', 1), projectId: 'prj_b' })).rejects.toMatchObject({ code: 'value.key_wrong' });
  });

  it('says which key it lacks, and that a key of that name is another one', async () => {
    await vault.keep(ref(), secret('a value'));
    const [id] = (await readFile(keyFile, 'utf8')).split(' ');
    await writeFile(keyFile, `${id} ${Buffer.alloc(32, 7).toString('base64url')}\n`);
    await expect(vault.open(ref())).rejects.toMatchObject({ code: 'value.key_wrong', message: expect.stringContaining(`the key ${id} in ${keyFile}`) });
    await writeFile(keyFile, `kek_other ${Buffer.alloc(32, 7).toString('base64url')}\n`);
    await expect(vault.open(ref())).rejects.toMatchObject({ code: 'value.key_unknown', message: expect.stringContaining(id!) });
  });

  it('says that a value isn’t there', () => expect(vault.open(ref())).rejects.toMatchObject({ code: 'value.missing' }));
});

describe('the file of keys', () => {
  let folder: string;
  let keyFile: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-keys-'));
    keyFile = join(folder, 'values.key');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is made once, closed to others, however many start at once', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, () => KeyFile.open(keyFile)));
    expect(new Set(await Promise.all(opened.map((keys) => keys.current()))).size).toBe(1);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  });

  it('that others may read, that is empty or holds something else is refused, with the way out', async () => {
    await KeyFile.open(keyFile);
    await chmod(keyFile, 0o640);
    await expect(KeyFile.open(keyFile)).rejects.toThrow('chmod 600');
    await chmod(keyFile, 0o600);
    await writeFile(keyFile, '\n');
    await expect(KeyFile.open(keyFile)).rejects.toThrow('holds no key');
    await writeFile(keyFile, 'kek_a short\n');
    await expect(KeyFile.open(keyFile)).rejects.toThrow('line 1');
  });

  it('gets a new key by a rotation: all data keys are wrapped by that one, values and readers stay as they are', async () => {
    const clock = new VirtualClock();
    const url = `sqlite:${join(folder, 'values.db')}`;
    const keys = await KeyFile.open(keyFile);
    const store = await openValueStore(url, clock);
    const vault = new Vault(keys, store);
    const refs = Array.from({ length: 130 }, (_, i) => ref(`sec_${i}`));
    for (const each of refs) await vault.keep(each, secret(each.id));
    const first = await keys.current();
    const before = (await store.find(refs[0]!))!;

    const { kek, rewrapped, dropped } = await rotateKey({ url, keyFile, clock });
    expect([rewrapped, dropped]).toEqual([130, []]);
    expect(await store.keksInUse()).toEqual([kek]);
    const after = (await store.find(refs[0]!))!;
    expect([after.ciphertext.equals(before.ciphertext), after.wrapped.equals(before.wrapped)]).toEqual([true, false]);
    for (const each of refs) expect((await vault.open(each)).reveal().toString()).toBe(each.id);

    // The one before it may just be in use; the next rotation takes it out.
    expect(await readFile(keyFile, 'utf8')).toContain(first);
    expect((await rotateKey({ url, keyFile, clock })).dropped).toEqual([first]);
    expect(await readFile(keyFile, 'utf8')).not.toContain(first);
    expect((await vault.open(refs[5]!)).reveal().toString()).toBe('sec_5');
    await store.close();
  }, 30_000);

  it('loses no key where two rotate it at once, and both come to an end', async () => {
    const clock = new VirtualClock();
    const url = `sqlite:${join(folder, 'values.db')}`;
    const store = await openValueStore(url, clock);
    const vault = new Vault(await KeyFile.open(keyFile), store);
    for (let i = 0; i < 3; i += 1) await vault.keep(ref(`sec_${i}`), secret('kept'));
    const ends = await Promise.allSettled(Array.from({ length: 4 }, () => rotateKey({ url, keyFile, clock })));
    expect(ends.filter(({ status }) => status === 'fulfilled')).not.toEqual([]);
    for (const end of ends) if (end.status === 'rejected') expect((end.reason as Error).message).toContain('another rotation writes the file');
    for (let i = 0; i < 3; i += 1) expect((await vault.open(ref(`sec_${i}`))).reveal().toString()).toBe('kept');
    expect(await readdir(folder)).not.toContain('values.key.new');
    await store.close();
  });

  it('that changes while data keys are wrapped anew holds nobody up', async () => {
    const keys = await KeyFile.open(keyFile);
    const store = new MemoryValueStore();
    const vault = new Vault(keys, store);
    await vault.keep(ref(), secret('kept'));
    const { current } = keys;
    await keys.rotate();
    // Another one comes between the first look and the wrapping.
    keys.current = async () => {
      keys.current = current;
      const kek = await current.call(keys);
      await keys.rotate();
      return kek;
    };
    await vault.rewrap();
    expect(await store.keksInUse()).toEqual([await keys.current()]);
  });

  it('is rotated only where there is one: another home than the platform’s is no success', async () => {
    await expect(rotateKey({ url: `sqlite:${join(folder, 'values.db')}`, keyFile, clock: new VirtualClock() })).rejects.toThrow(`there is no key file at ${keyFile}`);
    expect(await readdir(folder)).toEqual([]);
  });

  // Only root may give a file away.
  (process.getuid?.() === 0 ? it : it.skip)('stays its owner’s when root rotates it', async () => {
    const keys = await KeyFile.open(keyFile);
    await chown(keyFile, 1000, 1000);
    await keys.rotate();
    const { uid, gid, mode } = await stat(keyFile);
    expect([uid, gid, mode & 0o777]).toEqual([1000, 1000, 0o600]);
  });
});
