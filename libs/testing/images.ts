import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { abandonedFolders, makeOwnFolder } from './own-folder.ts';

const run = promisify(execFile);

/** Where Debian's package `busybox-static` puts it. */
const BUSYBOX = '/bin/busybox';

/** Makes an image out of this machine's busybox, without any registry: every applet (`sh`, `httpd`, `nc`, `wget`, `env`,
 *  `sleep` …) in `/bin`, a page at `/www/index.html`, users root and nobody. Its command is a shell.
 *  @param engineHost as in `DOCKER_HOST`. @param tag `waybill/busybox:1`. @param changes Dockerfile instructions (`CMD […]`).
 *  @returns the image's id. @throws Error when there is no static busybox. */
export async function importBusybox(engineHost: string, tag: string, changes: readonly string[] = ['CMD ["sh"]']): Promise<string> {
  for (const folder of await abandonedFolders('image')) await rm(folder, { recursive: true, force: true });
  const root = await makeOwnFolder('image');
  try {
    await fillRoot(root);
    return await importFolder(engineHost, root, tag, ['ENV PATH=/bin', ...changes]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Brings an image to another engine as it is: with the same id, which two imports of the same folder don't have.
 *  @throws Error with what the client says */
export async function copyImage(fromHost: string, toHost: string, tag: string): Promise<void> {
  const saver = spawn('docker', ['-H', fromHost, 'save', tag], { stdio: ['ignore', 'pipe', 'pipe'] });
  const loader = spawn('docker', ['-H', toHost, 'load'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const piped = pipeline(saver.stdout, loader.stdin).catch(() => undefined);
  await Promise.all([output(loader), output(saver, false), piped]);
}

/** A root file system with busybox in it, in an empty folder. */
export async function fillRoot(root: string): Promise<void> {
  await requireStatic();
  for (const folder of ['bin', 'etc', 'tmp', 'www', 'root']) await mkdir(join(root, folder));
  await copyFile(BUSYBOX, join(root, 'bin/busybox'));
  const { stdout } = await run(BUSYBOX, ['--list']);
  const applets = stdout.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
  await Promise.all(applets.map((applet) => symlink('busybox', join(root, 'bin', applet))));
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  await writeFile(join(root, 'www/index.html'), 'hello from waybill\n');
}

/** A dynamically linked one starts here and nowhere else. */
async function requireStatic(): Promise<void> {
  const head = await readFile(BUSYBOX).catch(() => null);
  if (!head || head.subarray(0, 4096).includes('/ld-linux')) {
    throw new Error(`${BUSYBOX} is missing or dynamically linked; install Debian's busybox-static`);
  }
}

/** Makes an image of a root file system, all of it root's. @param changes Dockerfile instructions. @returns the image's id. */
export async function importFolder(engineHost: string, root: string, tag: string, changes: readonly string[]): Promise<string> {
  const flags = changes.flatMap((change) => ['--change', change]);
  const archive = spawn('tar', ['-C', root, '--owner=0', '--group=0', '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const importer = spawn('docker', ['-H', engineHost, 'import', ...flags, '-', tag], { stdio: ['pipe', 'pipe', 'pipe'] });
  // Whichever of them ends early, its own words say more than the broken pipe between them.
  const piped = pipeline(archive.stdout, importer.stdin).catch(() => undefined);
  const [id] = await Promise.all([output(importer), output(archive, false), piped]);
  return id.trim();
}

/** What it wrote. @throws Error with what it wrote to stderr when it fails or can't be started. */
async function output(child: ChildProcess, stdout = true): Promise<string> {
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [code, said, complaint] = await Promise.all([ended, stdout ? text(child.stdout!) : '', text(child.stderr!)]);
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}: ${complaint.trim()}`);
  return said;
}
