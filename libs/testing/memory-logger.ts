import type { Logger } from '#contracts';

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what is logged, for a spec to look at. */
export class MemoryLogger implements Logger {
  readonly entries: LogEntry[] = [];
  readonly debug = this.#keep('debug');
  readonly info = this.#keep('info');
  readonly warn = this.#keep('warn');
  readonly error = this.#keep('error');

  /** Messages of a level, in order. */
  messages(level: LogEntry['level']): string[] {
    return this.entries.filter((entry) => entry.level === level).map((entry) => entry.message);
  }

  #keep(level: LogEntry['level']) {
    return (message: string, fields: Readonly<Record<string, unknown>> = {}): void => void this.entries.push({ level, message, fields });
  }
}
