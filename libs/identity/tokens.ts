import { createHash, randomBytes } from 'node:crypto';
import { Sensitive } from '#domain';

/** A token of 256 random bits. */
export const newToken = (): Sensitive<string> => new Sensitive(`wbt_${randomBytes(32).toString('base64url')}`);

/** SHA-256, hex: of so many random bits nothing slower is needed. */
export const hashOfToken = (token: string): string => createHash('sha256').update(token).digest('hex');
