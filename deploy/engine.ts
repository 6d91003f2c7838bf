import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { until } from './processes.ts';

const DEFAULT_SOCKET = '/var/run/docker.sock';

/** The engine to use: what DOCKER_HOST names, the machine's own, or one started here and now.
 *  @returns how to stop the one that was started (its containers run on, `live-restore`), or null.
 *  @throws Error with the way out when none answers and none can be started. */
export async function ensureEngine(home: string, dockerHost: string | undefined): Promise<(() => Promise<void>) | null> {
  if (dockerHost) {
    if (dockerHost.startsWith('unix://') && !(await answersPing(dockerHost.slice('unix://'.length)))) {
      throw new Error(`no engine answers at DOCKER_HOST=${dockerHost}; start it, or unset DOCKER_HOST`);
    }
    return null;
  }
  if (existsSync(DEFAULT_SOCKET) && (await answersPing(DEFAULT_SOCKET))) return null;
  const logFile = join(home, 'logs', 'dockerd.log');
  const log = openSync(logFile, 'a');
  const daemon = spawn('dockerd', ['--live-restore'], { stdio: ['ignore', log, log], detached: true });
  let ended: string | null = null;
  daemon.once('error', (error) => (ended = error.message));
  daemon.once('exit', (code) => (ended ??= `exit ${code}`));
  const stop = async (): Promise<void> => {
    if (ended) return;
    daemon.kill('SIGTERM');
    await until('dockerd did not end', 30_000, async () => ended !== null);
  };
  const trouble = `no engine answers, and dockerd could not be started (see ${logFile})`;
  await until(trouble, 60_000, async () => ended !== null || answersPing(DEFAULT_SOCKET)).catch((error: Error) => stop().then(() => Promise.reject(error)));
  if (ended) throw new Error(`${trouble}: ${ended}`);
  return stop;
}

function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 2000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ping.once('error', () => resolve(false));
    ping.once('timeout', () => ping.destroy());
    ping.end();
  });
}
