import { EventStoreDBClient, type BaseOptions } from '@eventstore/db-client';

/** A client, and what every call of this adapter says to the server. */
export interface Connection {
  readonly client: EventStoreDBClient;
  /** Milliseconds that an append may take, and that a read may stay silent. */
  readonly deadlineMs: number;
  readonly call: Pick<BaseOptions, 'credentials' | 'requiresLeader'>;
  /** Cancels what is under way and lets the connection go. */
  close(): Promise<void>;
}

/** Shorter than what a command may take in all, so that one lost answer leaves time to look and to try again. */
const DEADLINE_MS = 5_000;

/** Makes a client for `esdb://user:password@host:2113?tls=true` or `esdb+discover://name`; it connects at the first call.
 *  Options are the client's own (`tls`, `tlsCAFile`, `nodePreference`, `keepAliveInterval`, `defaultDeadline`, …).
 *
 *  Every call asks for the leader, so that what was answered is seen by the next read; another member names the leader, and the
 *  client goes there. A call that carries credentials is a call of its own: without them the client sends all appends of the
 *  whole process through one stream that has no deadline. So credentials are given to each call where there are any, and an
 *  empty pair where there is no TLS: the client sends none over such a connection.
 *  @throws Error for a text that is none of these. The message never contains the text: there may be a password in it. */
export function connect(url: string): Connection {
  const { secure, credentials, deadlineMs } = readUrl(url);
  const client = clientFor(url);
  return {
    client,
    deadlineMs: deadlineMs ?? DEADLINE_MS,
    call: { requiresLeader: true, credentials: credentials ?? (secure ? undefined : { username: '', password: '' }) },
    close: async () => {
      await client.dispose();
      // The client has no way to let its connection go, other than this one that its types hide.
      const { getChannel } = client as unknown as { getChannel(): Promise<{ close(): void }> };
      await getChannel().then((channel) => channel.close(), () => undefined);
    },
  };
}

/** The client prints the whole text to the console for an option that it doesn't know, password and all: so this looks first. */
const OPTIONS = new Set(
  ['connectionName', 'defaultDeadline', 'discoveryInterval', 'gossipTimeout', 'keepAliveInterval', 'keepAliveTimeout', 'maxDiscoverAttempts']
    .concat(['nodePreference', 'throwOnAppendFailure', 'tls', 'tlsCAFile', 'tlsVerifyCert', 'userCertFile', 'userKeyFile'])
    .map((name) => name.toLowerCase()),
);

interface UrlParts {
  readonly secure: boolean;
  readonly credentials: BaseOptions['credentials'];
  readonly deadlineMs: number | undefined;
}

function readUrl(url: string): UrlParts {
  const match = /^esdb(?:\+discover)?:\/\/(?:([^:@/?]+):([^@]+)@)?[^?@]+(?:\?(.*))?$/.exec(url.trim());
  if (!match) throw new Error('no URL of an EventStoreDB: write esdb://user:password@host:2113 or esdb+discover://user:password@name');
  const [, username, password, query = ''] = match;
  const options = new Map<string, string>();
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', value = ''] = pair.split('=', 2);
    const known = name.trim().toLowerCase().replace(/[_-]/g, '');
    if (!OPTIONS.has(known)) throw new Error(`"${name}" is no option of an EventStoreDB URL`);
    options.set(known, value.trim());
  }
  if (options.get('tlsverifycert') === 'false') throw new Error('tlsVerifyCert=false is not supported: name the certificate authority with tlsCAFile');
  const deadline = Number.parseInt(options.get('defaultdeadline') ?? '', 10);
  return {
    secure: options.get('tls') !== 'false',
    credentials: username && password ? { username: decodeURIComponent(username), password: decodeURIComponent(password) } : undefined,
    deadlineMs: deadline > 0 ? deadline : undefined,
  };
}

function clientFor(url: string): EventStoreDBClient {
  try {
    return EventStoreDBClient.connectionString(url);
  } catch (error) {
    const reason = (error as Error).message.replace(/"[^"]*"/g, '"…"');
    throw new Error(`the EventStoreDB URL can't be used: ${reason}`);
  }
}
