import { Rejection } from '#domain';

/** One reason for which a request would be refused. */
export interface ConflictAnswer {
  readonly code: string;
  readonly detail: string;
  /** Into the preview's own body; null where no single field is at fault. */
  readonly pointer: string | null;
}

/** Everything among the checks that refuses. @param at where the body of the request stands in the preview's. @throws what is no Rejection */
export async function conflictsOf(checks: readonly (() => unknown)[], at: string): Promise<readonly ConflictAnswer[]> {
  const found: ConflictAnswer[] = [];
  for (const check of checks) {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      found.push(...ofRejection(error, at));
    }
  }
  return found;
}

function ofRejection({ code, detail, facts: { violations, pointer } }: Rejection, at: string): readonly ConflictAnswer[] {
  if (!Array.isArray(violations)) return [{ code, detail, pointer: typeof pointer === 'string' ? `${at}${pointer}` : null }];
  return (violations as readonly { message: string; pointer: string }[]).map((flaw) => ({ code, detail: flaw.message, pointer: `${at}${flaw.pointer}` }));
}
