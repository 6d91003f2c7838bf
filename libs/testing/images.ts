import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where Debian's package `busybox-static` puts it. */
const BUSYBOX = '/bin/busybox';

/** Makes an image out of this machine's busybox, without any registry: every applet (`sh`, `httpd`, `nc`, `wget`, `env`,
 *  `sleep` …) in `/bin`, a page at `/www/index.html`, users root and nobody. Its command is a shell.
 *  @param engineHost as in `DOCKER_HOST`. @param tag `waybill/busybox:1`. @param changes Dockerfile instructions (`CMD […]`).
 *  @returns the image's id. @throws Error when there is no static busybox. */
export async function importBusybox(engineHost: string, tag: string, changes: readonly string[] = ['CMD ["sh"]']): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'waybill-image-'));
  try {
    await fillRoot(root);
    return await importFolder(engineHost, root, tag, ['ENV PATH=/bin', ...changes]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
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

function importFolder(engineHost: string, root: string, tag: string, changes: readonly string[]): Promise<string> {
  const archive = spawn('tar', ['-C', root, '--owner=0', '--group=0', '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const flags = changes.flatMap((change) => ['--change', change]);
  return new Promise((resolve, reject) => {
    const importer = execFile('docker', ['-H', engineHost, 'import', ...flags, '-', tag], (error, stdout) => (error ? reject(error) : resolve(stdout.trim())));
    archive.once('error', reject);
    archive.stdout.pipe(importer.stdin!);
  });
}
