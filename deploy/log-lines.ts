const COLOURS = [36, 33, 35, 32, 34, 96];
const LEVELS: Record<string, string> = { warn: '\x1b[33mwarn\x1b[0m', error: '\x1b[31merror\x1b[0m', fatal: '\x1b[31mfatal\x1b[0m' };
const OWN_FIELDS = new Set(['level', 'time', 'msg', 'app']);

interface Entry {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
}

/** One line of a part's log for a person: part, time, level, message and the fields. What isn't JSON stays as it is. */
export function readable(part: string, line: string): string {
  const prefix = `\x1b[${colourOf(part)}m${part.padEnd(15)}\x1b[0m`;
  const entry = parse(line);
  if (!entry) return `${prefix} ${line}`;
  const fields = Object.entries(entry)
    .filter(([key]) => !OWN_FIELDS.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${prefix} ${entry.time.slice(11, 23)} ${LEVELS[entry.level] ?? entry.level} ${entry.msg} \x1b[2m${fields.join(' ')}\x1b[0m`;
}

function parse(line: string): Entry | null {
  if (!line.startsWith('{')) return null;
  try {
    const entry = JSON.parse(line) as Partial<Entry>;
    return typeof entry.time === 'string' && typeof entry.level === 'string' && typeof entry.msg === 'string' ? (entry as Entry) : null;
  } catch {
    return null;
  }
}

const colourOf = (part: string): number => COLOURS[[...part].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLOURS.length] ?? 37;
