import type { Random } from '#contracts';

/** For jitter and tie-breaks only; ids and keys come from elsewhere. */
export const systemRandom: Random = Math.random;
