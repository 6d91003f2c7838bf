import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fillRoot, importFolder } from '#testing';

const run = promisify(execFile);
const HOME = '/usr/lib/postgresql';
const PROGRAMS = ['postgres', 'initdb', 'psql', 'pg_isready'];

/** What changes the user: util-linux is everywhere, and busybox-static has nothing of the kind. */
const STEP_DOWN = '/usr/bin/setpriv';

/** The image's tag. Its command is a server that keeps its data in `/data`, of the user `app` with the password in `/run/secrets/POSTGRES_PASSWORD`. */
export const POSTGRES = 'waybill-test/postgres:1';

/** As the usual images do: root makes the folder, then steps down. */
const ENTRY = `#!/bin/sh
set -e
PGDATA=/data/pg
AS_POSTGRES='/usr/bin/setpriv --reuid 999 --regid 999 --clear-groups'
if [ ! -s $PGDATA/ready ]; then
  rm -rf $PGDATA
  mkdir -p $PGDATA
  chown postgres:postgres $PGDATA
  chmod 700 $PGDATA
  $AS_POSTGRES initdb -D $PGDATA -U app --auth-host=scram-sha-256 --auth-local=trust --pwfile=/run/secrets/POSTGRES_PASSWORD --no-locale -E UTF8 --no-instructions
  echo 'host all all all scram-sha-256' >> $PGDATA/pg_hba.conf
  echo yes > $PGDATA/ready
  sync
fi
exec $AS_POSTGRES postgres -D $PGDATA -c listen_addresses='*' -c unix_socket_directories=/tmp -c jit=off -c shared_buffers=16MB
`;

/** Makes an image of this machine's PostgreSQL (Debian's package): its programs with the libraries that they are linked with, beside busybox.
 *  @throws Error where the package isn't installed */
export async function importPostgres(engineHost: string): Promise<void> {
  const version = (await readdir(HOME).catch(() => [])).at(-1);
  if (!version) throw new Error(`no PostgreSQL under ${HOME}: install Debian's postgresql`);
  const root = await mkdtemp(join(tmpdir(), 'waybill-postgres-'));
  try {
    await fillRoot(root);
    const [bin, lib, share] = [`${HOME}/${version}/bin`, `${HOME}/${version}/lib`, `/usr/share/postgresql/${version}`];
    const programs = PROGRAMS.map((name) => `${bin}/${name}`);
    for (const program of [...programs, STEP_DOWN]) await copy(root, program);
    await copy(root, lib, (path) => !/bitcode|llvmjit/.test(path));
    await copy(root, share, (path) => !path.includes('/man'));
    for (const zone of ['Etc', 'UTC', 'GMT']) await copy(root, `/usr/share/zoneinfo/${zone}`);
    for (const library of await librariesOf([...programs, STEP_DOWN, `${lib}/plpgsql.so`, `${lib}/libpqwalreceiver.so`])) await copy(root, library);
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\npostgres:x:999:999:postgres:/:/bin/sh\n');
    await writeFile(join(root, 'etc/group'), 'root:x:0:\npostgres:x:999:\n');
    await writeFile(join(root, 'bin/serve'), ENTRY, { mode: 0o755 });
    await run('chmod', ['1777', join(root, 'tmp')]);
    await importFolder(engineHost, root, POSTGRES, [`ENV PATH=/bin:${bin} TZ=UTC`, 'CMD ["/bin/serve"]']);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function copy(root: string, path: string, filter: (path: string) => boolean = () => true): Promise<void> {
  const to = join(root, path);
  await mkdir(dirname(to), { recursive: true });
  await cp(path, to, { recursive: true, dereference: true, filter });
}

/** What the linker would load, the linker itself among it, where each is looked for. */
async function librariesOf(files: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [...files]);
  return [...new Set([...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path!))];
}
