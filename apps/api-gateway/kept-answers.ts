import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { TenantContext } from '#contracts';
import type { Liveness, Reads } from '#read-models';

/** An answer as it is sent. */
export interface Answer {
  readonly json: string;
  /** Of the stream of what is answered; null where it is no one thing. */
  readonly revision: number | null;
}

/** Answers of so many characters together are kept: a few megabytes. */
const ROOM = 4 * 1024 * 1024;

/** Answers that are given again, as text, for just as long as making them anew would give the same: until anything is written to the
 *  views, by whatever process, or a node that the answer counted on falls silent or is heard again. */
export class KeptAnswers {
  #since: Since = { mark: null, answers: new WeakMap(), room: ROOM };
  #look: Promise<string | null> | null = null;

  constructor(private readonly reads: Reads) {}

  /** What `make` makes, now or before; null is never kept.
   *  @param tenant the very context: what one may see is never given to another
   *  @param key names the answer among those of the context
   *  @param make answers from the reads that it is given and from nothing else, no clock either */
  async answer<T extends object>(tenant: TenantContext, key: string, make: (reads: Reads) => Promise<T>): Promise<Answer>;
  async answer<T extends object>(tenant: TenantContext, key: string, make: (reads: Reads) => Promise<T | null>): Promise<Answer | null>;
  async answer(tenant: TenantContext, key: string, make: (reads: Reads) => Promise<object | null>): Promise<Answer | null> {
    // Looked at before what is read, so that the answer may be newer than its mark, never older.
    const since = this.#sinceMark(await this.#mark());
    const kept = since.answers.get(tenant)?.get(key);
    if (kept?.isStillSo()) return kept.answer;
    const { liveness, isStillSo } = noting(this.reads.liveness);
    const made = await make({ models: this.reads.models, liveness });
    if (made === null) return null;
    const answer = answerOf(made);
    if (since.mark !== null) keep(since, tenant, key, { answer, isStillSo });
    return answer;
  }

  /** One look for all who ask in one turn of the event loop, taken after the last of them has asked: none gets a mark of before they came. */
  #mark(): Promise<string | null> {
    return (this.#look ??= endOfTurn().then(() => {
      this.#look = null;
      return this.reads.models.mark();
    }));
  }

  #sinceMark(mark: string | null): Since {
    if (mark === null || mark !== this.#since.mark || this.#since.room < 0) this.#since = { mark, answers: new WeakMap(), room: ROOM };
    return this.#since;
  }
}

/** The JSON of an answer that was made for this request alone. */
export const answerOf = (made: object): Answer => ({ json: JSON.stringify(made), revision: 'revision' in made ? Number(made.revision) : null });

/** Sets the headers that belong to an answer. @returns the body */
export function asJson(reply: FastifyReply, { json, revision }: Answer): string {
  reply.header('content-type', 'application/json; charset=utf-8');
  if (revision !== null) reply.header('etag', `"${revision}"`);
  return json;
}

interface Kept {
  readonly answer: Answer;
  /** What was said of nodes when it was made would be said again. */
  readonly isStillSo: () => boolean;
}

/** All that was answered since the views were written last. */
interface Since {
  readonly mark: string | null;
  readonly answers: WeakMap<TenantContext, Map<string, Kept>>;
  room: number;
}

function keep(since: Since, tenant: TenantContext, key: string, kept: Kept): void {
  const answers = since.answers.get(tenant) ?? new Map<string, Kept>();
  since.answers.set(tenant, answers.set(key, kept));
  since.room -= kept.answer.json.length;
}

/** Says what `liveness` says, of a node the same for a whole answer, and notes it. */
function noting({ silent, lastHeardAt }: Liveness): { readonly liveness: Liveness; readonly isStillSo: () => boolean } {
  const silence = noted(silent);
  const hearing = noted(lastHeardAt);
  return { liveness: { silent: silence.ask, lastHeardAt: hearing.ask }, isStillSo: () => silence.isStillSo() && hearing.isStillSo() };
}

function noted<Subject, Word>(ask: (subject: Subject) => Word): { readonly ask: (subject: Subject) => Word; readonly isStillSo: () => boolean } {
  const said = new Map<Subject, Word>();
  return {
    ask: (subject) => {
      if (!said.has(subject)) said.set(subject, ask(subject));
      return said.get(subject)!;
    },
    isStillSo: () => {
      for (const [subject, word] of said) if (ask(subject) !== word) return false;
      return true;
    },
  };
}
