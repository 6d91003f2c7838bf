import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Hears of every job that really ran, from inside its container: neither the engine's word nor Waybill's. */
export interface RollCall {
  /** How often each job called, by what it called: `began x`, `ended x`. */
  readonly calls: ReadonlyMap<string, number>;
  /** The command of a job that calls when it begins and when it ends, `lastingMs` later, with that exit code. */
  command(job: string, lastingMs: number, exitCode: number): string[];
  close(): Promise<void>;
}

/** @param address of this machine, where containers of the engine reach it. */
export async function openRollCall(address: string): Promise<RollCall> {
  const calls = new Map<string, number>();
  const server = createServer((request, answer) => {
    const call = decodeURIComponent(request.url!.slice(1)).replace('/', ' ');
    calls.set(call, (calls.get(call) ?? 0) + 1);
    answer.end();
  }).listen(0, address);
  await once(server, 'listening');
  const base = `http://${address}:${(server.address() as AddressInfo).port}`;
  return {
    calls,
    command(job, lastingMs, exitCode) {
      const call = (what: string) => `wget -q -O /dev/null ${base}/${what}/${job}`;
      return ['/bin/sh', '-c', `${call('began')} && sleep ${lastingMs / 1000} && ${call('ended')} && exit ${exitCode}; exit 99`];
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
