import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The SHA-256 of the one token: the token itself stays in its file. */
export interface OperatorToken {
  /** In constant time. */
  matches(presented: string): boolean;
}

/** Reads `<home>/operator.token` (mode 0600), making it with 256 random bits at the first start. Two gateways that start
 *  at once agree on the one that came first. @throws Error when the file is there and empty. */
export async function openOperatorToken(home: string): Promise<OperatorToken> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const file = join(home, 'operator.token');
  await makeOnce(file);
  const token = (await readFile(file, 'utf8')).trim();
  if (token === '') throw new Error(`${file} is empty: delete it, and the next start makes a new token`);
  return operatorToken(token);
}

/** The same for a token that is at hand. */
export function operatorToken(token: string): OperatorToken {
  const expected = Buffer.from(token);
  return {
    matches(presented) {
      const given = Buffer.from(presented);
      // How long tokens are is no secret.
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/** Exclusive creation: whoever comes second leaves the first one's token standing. */
async function makeOnce(file: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`wbt_${randomBytes(32).toString('base64url')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
