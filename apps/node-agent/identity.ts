import { randomBytes } from 'node:crypto';
import { Sensitive, type NodeId } from '#domain';
import { digest } from '#platform';
import { publicKeyOf, userSeedOf } from '#secrets';
import type { Disk } from './disk.ts';

/** Who this node is: its id follows from its public key, so that nobody else can come by it. */
export interface Identity {
  readonly nodeId: NodeId;
  /** nkey, `U…`. */
  readonly publicKey: string;
  /** The private half, `SU…`: it opens what is sealed to this node. */
  readonly seed: Sensitive<string>;
}

const SEED_FILE = 'node.seed';

/** The identity of this folder; made at the first start, the private half kept in a file of mode 0600.
 *  @throws Error when the file is there and holds no seed: a new identity would disown the node's containers. */
export async function loadIdentity(disk: Disk, entropy: (bytes: number) => Uint8Array = randomBytes): Promise<Identity> {
  const stored = await disk.read(SEED_FILE);
  const seed = stored?.trim() ?? userSeedOf(entropy(32));
  if (stored === null) await disk.write(SEED_FILE, `${seed}\n`, 0o600);
  try {
    const publicKey = publicKeyOf(seed);
    return { publicKey, seed: new Sensitive(seed), nodeId: `node_${digest([publicKey])}` };
  } catch (error) {
    throw new Error(`${SEED_FILE} can't be used: ${(error as Error).message}; restore it from a copy, or remove the node's folder to begin as another node`);
  }
}
