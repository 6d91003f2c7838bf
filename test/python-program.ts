import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Ignored by git, and gone with the packages of npm. */
const CACHE = fileURLToPath(new URL('../node_modules/.cache/waybill-tests/', import.meta.url));
const INSTALL_MS = 180_000;

/** A Python that has a package, or why there is none here. */
export type Program = { readonly python: string; readonly version: string } | { readonly missing: string };

/** The Python of a virtual environment that holds a package of PyPI, set up on first use: that needs `python3` with `venv` (Debian:
 *  python3-venv), and PyPI within reach. Several processes may ask at once.
 *  @param requirements lists the package and all that it needs, each with its version. */
export async function pythonWith(name: string, requirements: URL): Promise<Program> {
  const version = new RegExp(`^${name}==(\\S+)$`, 'm').exec(await readFile(requirements, 'utf8'))![1]!;
  const folder = `${CACHE}${name}-${version}`;
  const program: Program = { python: `${folder}/bin/python`, version };
  if (await exists(program.python)) return program;
  const fresh = `${folder}.${process.pid}`;
  try {
    await mkdir(CACHE, { recursive: true });
    await run('python3', ['-m', 'venv', fresh], { timeout: INSTALL_MS });
    await run(`${fresh}/bin/python`, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '-r', fileURLToPath(requirements)], { timeout: INSTALL_MS });
    // Python finds its environment from where it is started, so it may move; another process may have been first.
    await rename(fresh, folder).catch(async (error: unknown) => {
      if (!(await exists(program.python))) throw error;
    });
    return program;
  } catch (error) {
    return { missing: `${name} can't be set up here: ${reasonOf(error)}` };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

const exists = (file: string): Promise<boolean> => access(file).then(() => true, () => false);

function reasonOf(error: unknown): string {
  const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
  return (stderr || stdout || message).trim().split('\n').at(-1)!;
}
