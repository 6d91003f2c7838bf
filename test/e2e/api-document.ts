import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Doc } from './world.ts';

/** What is in an answer, as it was sent. */
export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const VERBS = ['get', 'post', 'put', 'patch', 'delete'];
const SHOWN = 5;

/** The API by its own description: holds answers against what `/openapi.json` says of them. Validators are compiled when they are first needed. */
export class ApiDocument {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #operations: readonly Operation[];
  readonly #validators = new Map<string, ValidateFunction>();

  /** @param document as the gateway answers it. */
  constructor(readonly document: Doc) {
    (addFormats as unknown as typeof addFormats.default)(this.#ajv);
    this.#ajv.addSchema(document, 'api');
    this.#operations = operationsOf(document);
  }

  /** Holds a whole answer against the document. An answer to a path that the document doesn't have is a problem, or one of the public routes.
   *  @throws Error that names operation and status, and what of the answer is wrong where. */
  check(method: string, path: string, sent: Sent): void {
    if (!OUTSIDE.has(path)) this.#refuse(method, path, sent, this.#headFlaws(method, path, sent) ?? this.#bodyFlaws(method, path, sent));
  }

  /** The same of an answer that is read while it is sent: its status and headers. */
  checkHead(method: string, path: string, head: Omit<Sent, 'text'>): void {
    this.#refuse(method, path, { ...head, text: '' }, this.#headFlaws(method, path, head) ?? []);
  }

  /** The parts of it, as they come: lines, or events with what is in their `data`. Comments and empty ones are left out.
   *  @throws Error as `check`, for the first that is wrong */
  async *parts(method: string, path: string, head: Omit<Sent, 'text'>, body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
    const separator = head.headers.get('content-type')?.startsWith('text/event-stream') ? '\n\n' : '\n';
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of body) {
      const whole = (rest + decoder.decode(bytes, { stream: true })).split(separator);
      rest = whole.pop()!;
      for (const part of whole.filter((text) => text !== '' && !text.startsWith(':'))) {
        this.#checkPart(method, path, head, part);
        yield part;
      }
    }
  }

  #checkPart(method: string, path: string, head: Omit<Sent, 'text'>, part: string): void {
    const { pointer, media } = this.#declared(method, path, head);
    if (pointer !== null) this.#refuse(method, path, { ...head, text: part }, this.#partFlaws(pointer, media, part));
  }

  #refuse(method: string, path: string, { status, text }: Pick<Sent, 'status' | 'text'>, flaws: readonly string[]): void {
    if (flaws.length === 0) return;
    const name = this.#operation(method, path)?.name ?? `${method} ${path}, which isn't in the document`;
    throw new Error(`${name} answered ${status}, and not as /openapi.json says:\n  ${flaws.slice(0, SHOWN).join('\n  ')}\n${text.slice(0, 2_000)}`);
  }

  /** null: there is nothing wrong with it. */
  #headFlaws(method: string, path: string, { status, headers }: Omit<Sent, 'text'>): string[] | null {
    const { response, media, declared } = this.#declared(method, path, { status, headers });
    if (!response) return [`status: ${status} is none of those that are declared`];
    if (media !== '' && !declared.includes(media)) return [`content-type: ${media} is none of ${declared.join(', ') || 'those declared, which are none'}`];
    const flaws = Object.entries<Doc>(response.headers ?? {}).flatMap(([name, { required, schema }]) => {
      const value = headers.get(name);
      if (value === null) return required ? [`${name}: is lacking`] : [];
      return new RegExp(schema.pattern).test(value) ? [] : [`${name}: ${value} doesn't match ${schema.pattern}`];
    });
    return flaws.length > 0 ? flaws : null;
  }

  #bodyFlaws(method: string, path: string, sent: Sent): readonly string[] {
    const { pointer, media } = this.#declared(method, path, sent);
    if (pointer === null) return sent.text === '' ? [] : ['body: none is declared'];
    if (media === 'text/plain') return [];
    if (/json$/.test(media) && media !== NDJSON) return this.#flaws(pointer, parsed(sent.text));
    return partsOf(media, sent.text).flatMap((part) => this.#partFlaws(pointer, media, part));
  }

  #partFlaws(pointer: string, media: string, part: string): readonly string[] {
    if (media === NDJSON) return this.#flaws(pointer, parsed(part));
    const event = eventOf(part);
    return event === null ? [] : [...this.#flaws(pointer, event), ...this.#flaws(`${pointer}/properties/data/contentSchema`, parsed(event['data'] ?? ''))];
  }

  #flaws(pointer: string, value: Doc): readonly string[] {
    const validate = this.#validators.get(pointer) ?? this.#ajv.compile({ $ref: `api#${pointer}` });
    this.#validators.set(pointer, validate);
    return validate(value) ? [] : (validate.errors ?? []).map(sentence);
  }

  /** What the document says of an answer like this; `pointer` leads to the schema of its body, null: there is none. */
  #declared(method: string, path: string, { status, headers }: Omit<Sent, 'text'>): Declared {
    const media = (headers.get('content-type') ?? '').split(';')[0]!.trim();
    const operation = this.#operation(method, path);
    // A path or method that there isn't is refused as everything else is.
    const at = operation?.pointer ?? this.#operations[0]!.pointer;
    const responses: Doc = operation?.responses ?? this.#operations[0]!.responses;
    const key = String(status) in responses && operation ? String(status) : status >= 400 ? 'default' : null;
    const response = key === null ? undefined : responses[key];
    const declared = Object.keys(response?.content ?? {});
    return { response, media, declared, pointer: declared.includes(media) ? `${at}/responses/${key}/content/${escaped(media)}/schema` : null };
  }

  #operation(method: string, path: string): Operation | undefined {
    const bare = path.split('?')[0]!;
    return this.#operations.find(({ verb, matches }) => verb === method.toLowerCase() && matches.test(bare));
  }
}

interface Operation {
  readonly name: string;
  readonly verb: string;
  readonly matches: RegExp;
  readonly pointer: string;
  readonly responses: Doc;
}

interface Declared {
  readonly response: Doc | undefined;
  readonly media: string;
  readonly declared: readonly string[];
  readonly pointer: string | null;
}

/** For supervisors and readers of the description, who need none of it. */
const OUTSIDE: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/openapi.json']);
const NDJSON = 'application/x-ndjson';
const escaped = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1');

/** Those without parameters first: `current` is no id. */
function operationsOf(document: Doc): Operation[] {
  const inOrder = Object.entries<Doc>(document.paths).sort(([a], [b]) => a.split('{').length - b.split('{').length);
  return inOrder.flatMap(([path, item]) =>
    VERBS.flatMap((verb) => {
      if (!item[verb]) return [];
      const matches = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
      return [{ name: `${verb.toUpperCase()} ${path}`, verb, matches, pointer: `/paths/${encodeURIComponent(escaped(path))}/${verb}`, responses: item[verb].responses }];
    }),
  );
}

const partsOf = (media: string, text: string): string[] => text.split(media === NDJSON ? '\n' : '\n\n').filter((part) => part !== '');

/** The fields of a server-sent event; null for a comment. */
function eventOf(text: string): Record<string, string> | null {
  const fields = [...text.matchAll(/^(id|event|data): ?(.*)$/gm)].map(([, name, value]) => [name!, value!] as const);
  return fields.length === 0 ? null : Object.fromEntries(fields);
}

function parsed(text: string): Doc {
  try {
    return JSON.parse(text);
  } catch {
    return `no JSON: ${text.slice(0, 100)}`;
  }
}

const sentence = ({ instancePath, message, params }: ErrorObject): string => `${instancePath || '/'}: ${message} ${JSON.stringify(params)}`;
