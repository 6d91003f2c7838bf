import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Transient, type Clock, type Logger, type Random } from '#contracts';
import type { Position } from '#event-store';
import { isBusy } from '#sqlite';
import { canonicalJson } from './canonical-json.ts';
import { encodeCursor } from './cursor.ts';
import { checkedName } from './field-name.ts';
import type { Op, Page, Query, ReadModelStore, Scalar, ViewRef, ViewSchema } from './port.ts';
import { BUSY_TIMEOUT_MS, inTransaction, PRAGMAS, type Batch, type Bound } from './sqlite-batch.ts';
import { columnFor, indexFor, selectFor, type Table } from './sqlite-query.ts';
import { SqliteWriter } from './sqlite-writer.ts';

export interface SqliteReadModelOptions {
  /** Made, with its folder, when it isn't there. Its own: never the event store's. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** For so long a busy file is tried again, without blocking. */
const PATIENCE_MS = 10_000;

/** Documents in one SQLite file, which several processes may have open at once. Dropping the file loses nothing that isn't in the log.
 *  @throws Transient `read_models.busy` here and from every method when the file stays locked for 10 s. */
export async function openSqliteReadModels(options: SqliteReadModelOptions): Promise<ReadModelStore> {
  if (options.file !== ':memory:') await mkdir(dirname(options.file), { recursive: true });
  const db = new DatabaseSync(options.file, { timeout: BUSY_TIMEOUT_MS });
  const store = new SqliteReadModels(db, options);
  try {
    await store.open();
  } catch (error) {
    db.close();
    throw error;
  }
  return store;
}

class SqliteReadModels implements ReadModelStore {
  private readonly statements = new Map<string, StatementSync>();
  private readonly writer: SqliteWriter;
  /** Counted when they begin, those that fail too: on this connection nothing can be read before they end. */
  private ownWrites = 0;

  constructor(
    private readonly db: DatabaseSync,
    private readonly options: SqliteReadModelOptions,
  ) {
    this.writer = new SqliteWriter(db, options.file === ':memory:' ? null : options.file, options.clock);
  }

  async open(): Promise<void> {
    await this.patiently(() => this.db.exec(PRAGMAS));
    await this.write(() => {
      this.db.exec(`CREATE TABLE IF NOT EXISTS versions (
        view TEXT NOT NULL, version INTEGER NOT NULL, live INTEGER NOT NULL DEFAULT 0, checkpoint TEXT, store_id TEXT, PRIMARY KEY (view, version)) STRICT`);
      // A file of an earlier release knows nothing of stores.
      const kept = this.sql("SELECT 1 FROM pragma_table_info('versions') WHERE name = 'store_id'").get();
      if (!kept) this.db.exec('ALTER TABLE versions ADD COLUMN store_id TEXT');
    });
  }

  async prepare(schema: ViewSchema, storeId?: string, { indexed = true } = {}): Promise<void> {
    const name = nameOf(schema);
    const columns = ['id TEXT PRIMARY KEY', 'position TEXT NOT NULL', 'doc TEXT', ...[...new Set(schema.indexes.flat())].flatMap(columnFor)];
    const place: Batch['steps'] = [
      { sql: `CREATE TABLE IF NOT EXISTS ${name} (${columns.join(', ')}) STRICT`, rows: [[]] },
      { sql: 'INSERT OR IGNORE INTO versions (view, version, store_id) VALUES (?, ?, ?)', rows: [[schema.view, schema.version, storeId ?? null]] },
    ];
    await this.writeBatch({ steps: place });
    const table = await this.patiently(() => this.table(name));
    // The place once more: another process may have dropped it in between.
    if (indexed) await this.writeBatch({ steps: [...place, ...schema.indexes.map((fields) => ({ sql: indexFor(table, fields), rows: [[]] }))] });
  }

  async storeOf({ view, version }: ViewRef): Promise<string | null> {
    const find = 'SELECT store_id FROM versions WHERE view = ? AND version = ?';
    return this.patiently(() => (this.sql(find).get(view, version)?.['store_id'] ?? null) as string | null);
  }

  async checkpoint(ref: ViewRef): Promise<Position | null> {
    return this.patiently(() => this.standing(ref)?.checkpoint ?? null);
  }

  async apply(ref: ViewRef, expected: Position | null, next: Position, ops: readonly Op[]): Promise<'applied' | 'stale'> {
    const table = nameOf(ref);
    const put = `INSERT INTO ${table} (id, position, doc) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET position = excluded.position, doc = excluded.doc WHERE excluded.position > ${table}.position`;
    const written = await this.writeBatch({
      guard: { sql: 'SELECT 1 FROM versions WHERE view = ? AND version = ? AND checkpoint IS ?', params: [ref.view, ref.version, expected] },
      steps: [
        { sql: put, rows: ops.map(rowOf) },
        { sql: 'UPDATE versions SET checkpoint = ? WHERE view = ? AND version = ?', rows: [[next, ref.view, ref.version]] },
      ],
    });
    return written ? 'applied' : 'stale';
  }

  async get<T>(view: string, id: string, version?: number): Promise<T | null> {
    const row = await this.read(view, version, (table) => this.sql(`SELECT doc FROM ${table} WHERE id = ?`).get(id));
    return row?.doc == null ? null : (JSON.parse(row.doc as string) as T);
  }

  async getMany<T>(view: string, ids: readonly string[], version?: number): Promise<ReadonlyMap<string, T>> {
    const sql = (table: string): string => `SELECT id, doc FROM ${table} WHERE doc IS NOT NULL AND id IN (SELECT value FROM json_each(?))`;
    const rows = await this.read(view, version, (table) => this.sql(sql(table)).all(JSON.stringify(ids)) as unknown as Row[]);
    return new Map((rows ?? []).map(({ id, doc }) => [id, JSON.parse(doc) as T]));
  }

  async find<T>(view: string, query: Query, version?: number): Promise<Page<T>> {
    const rows = await this.read(view, version, (table) => {
      const { sql, params } = selectFor(this.table(table), query);
      return this.sql(sql).all(...params) as unknown as Row[];
    });
    const items = (rows ?? []).slice(0, query.limit);
    const last = items.at(-1);
    const next = last && rows!.length > query.limit ? encodeCursor({ value: last.sort_value, id: last.id }) : null;
    return { items: items.map(({ doc }) => JSON.parse(doc) as T), next };
  }

  /** https://sqlite.org/pragma.html#pragma_data_version counts what other connections have committed, and none of this one's own. */
  async mark(): Promise<string> {
    return this.patiently(() => `${this.sql('PRAGMA data_version').get()!['data_version']}/${this.ownWrites}`);
  }

  async active(view: string): Promise<number | null> {
    return this.patiently(() => this.live(view)?.version ?? null);
  }

  async activate(view: string, version: number, { evenBehind = false } = {}): Promise<'activated' | 'behind'> {
    return this.write(() => {
      const chosen = this.standing({ view, version });
      if (!chosen) throw new Error(`version ${version} of the view ${view} was never prepared`);
      const live = this.live(view);
      if (live && !evenBehind && (live.checkpoint ?? '') > (chosen.checkpoint ?? '')) return 'behind';
      this.sql('UPDATE versions SET live = (version = ?) WHERE view = ?').run(version, view);
      const others = this.sql('SELECT version FROM versions WHERE view = ? AND version <> ?').all(view, version) as { version: number }[];
      for (const other of others) this.forget({ view, version: other.version });
      return 'activated';
    });
  }

  async drop(ref: ViewRef): Promise<void> {
    await this.write(() => {
      if (this.live(ref.view)?.version === ref.version) throw new Error(`version ${ref.version} of the view ${ref.view} is live`);
      this.forget(ref);
    });
  }

  async close(): Promise<void> {
    await this.writer.close();
    this.statements.clear();
    if (this.db.isOpen) this.db.close();
  }

  private forget(ref: ViewRef): void {
    this.statements.clear();
    this.db.exec(`DROP TABLE IF EXISTS ${nameOf(ref)}`);
    this.sql('DELETE FROM versions WHERE view = ? AND version = ?').run(ref.view, ref.version);
  }

  private standing({ view, version }: ViewRef): Standing | undefined {
    return this.sql('SELECT version, checkpoint FROM versions WHERE view = ? AND version = ?').get(view, version) as Standing | undefined;
  }

  private live(view: string): Standing | undefined {
    return this.sql('SELECT version, checkpoint FROM versions WHERE view = ? AND live').get(view) as Standing | undefined;
  }

  /** Which version is live and what stands in it are one look: another process may flip in between. */
  private read<T>(view: string, version: number | undefined, look: (table: string) => T): Promise<T | null> {
    return this.patiently(() =>
      inTransaction(this.db, 'BEGIN', () => {
        const standing = version === undefined ? this.live(view) : this.standing({ view, version });
        return standing ? look(nameOf({ view, version: standing.version })) : null;
      }),
    );
  }

  /** Inside a transaction. One that an earlier release made has none of the columns, and is indexed by what is in its documents. */
  private table(name: string): Table {
    const columns = this.sql('SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 0').all(name) as { name: string }[];
    return { name, columns: new Set(columns.map((column) => column.name)) };
  }

  private write<T>(work: () => T): Promise<T> {
    return this.writer.inTurn(() =>
      this.patiently(() => {
        this.ownWrites += 1;
        return inTransaction(this.db, 'BEGIN IMMEDIATE', work);
      }),
    );
  }

  private writeBatch(batch: Batch): Promise<boolean> {
    return this.writer.inTurn(() =>
      this.patiently(() => {
        this.ownWrites += 1;
        return this.writer.write(batch, (sql) => this.sql(sql));
      }),
    );
  }

  /** Does it again, whole, while another process holds the file. */
  private async patiently<T>(work: () => T | Promise<T>): Promise<T> {
    const { clock, random, logger, file } = this.options;
    const deadline = clock.monotonic() + PATIENCE_MS;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (clock.monotonic() >= deadline) {
          logger.warn('read models stay locked by another process', { file, waited_ms: PATIENCE_MS });
          throw new Transient('read_models.busy', 'the read models are locked by another process', { cause: error });
        }
      }
      await clock.sleep(5 + random() * 45);
    }
  }

  private sql(text: string): StatementSync {
    const known = this.statements.get(text);
    if (known) return known;
    const statement = this.db.prepare(text);
    // Queries of lists differ by the number of their filters: the table of statements stays small, and is made anew when it isn't.
    if (this.statements.size >= 500) this.statements.clear();
    this.statements.set(text, statement);
    return statement;
  }
}

interface Standing {
  readonly version: number;
  readonly checkpoint: Position | null;
}

interface Row {
  readonly id: string;
  readonly doc: string;
  readonly sort_value: Scalar & Bound;
}

const rowOf = (op: Op): Bound[] => ('put' in op ? [op.put.id, op.put.position, canonicalJson(op.put)] : [op.remove.id, op.remove.position, null]);

const nameOf = ({ view, version }: ViewRef): string => `${checkedName(view)}_v${version}`;
