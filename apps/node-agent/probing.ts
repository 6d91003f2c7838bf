import { request } from 'node:http';
import { connect } from 'node:net';
import type { Clock } from '#contracts';
import { EngineError, type ContainerRuntime } from '#docker';
import type { Probe } from '#domain';

/** Whom a probe asks. */
export interface ProbeTarget {
  readonly containerId: string;
  /** The replica's own, in its network. */
  readonly address: string | null;
}

/** What a probe came to; `detail` says what was wrong. */
export type ProbeAnswer = { readonly isWell: true } | { readonly isWell: false; readonly detail: string };

/** Asks replicas whether they are well. */
export interface Probing {
  /** Answers within its time, or when aborted. Null: nothing is known (the container or the engine is away), which is no answer
   *  of the replica's. Never throws. */
  ask(probe: Probe, target: ProbeTarget, limits: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<ProbeAnswer | null>;
}

const WELL: ProbeAnswer = { isWell: true };
const ill = (detail: string): ProbeAnswer => ({ isWell: false, detail });

/** Asks over the network, by the replica's own address, and through the engine. */
export class DirectProbing implements Probing {
  /** Commands that have had their time and run on: the engine can't end them, so no other is begun beside one. */
  readonly #late = new Set<string>();

  constructor(private readonly options: { readonly runtime: Pick<ContainerRuntime, 'exec'>; readonly clock: Clock }) {}

  async ask(probe: Probe, { containerId, address }: ProbeTarget, { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<ProbeAnswer | null> {
    const over = new AbortController();
    const late = this.options.clock.sleep(timeoutMs, over.signal).then((): ProbeAnswer => ill(`no answer within ${timeoutMs / 1000} s`));
    const ends = AbortSignal.any([over.signal, signal]);
    try {
      if (probe.type === 'command') return await Promise.race([this.#run(containerId, probe.command, signal), late]);
      if (address === null) return null;
      return await Promise.race([probe.type === 'http' ? get(address, probe, ends) : dial(address, probe.port, ends), late]);
    } finally {
      over.abort();
    }
  }

  async #run(containerId: string, command: readonly string[], signal: AbortSignal): Promise<ProbeAnswer | null> {
    if (this.#late.has(containerId)) return ill('the command of an earlier probe still runs');
    this.#late.add(containerId);
    try {
      const exitCode = await this.options.runtime.exec(containerId, command, signal);
      // What it wrote may be anything, and this goes into the log: the exit code has to do.
      return exitCode === 0 ? WELL : ill(`the command ended with exit code ${exitCode}`);
    } catch (error) {
      return error instanceof EngineError && error.code === 'invalid_config' ? ill(error.message) : null;
    } finally {
      this.#late.delete(containerId);
    }
  }
}

/** The status alone counts: the body isn't read, a redirect not followed. */
const get = (host: string, { path, port }: { readonly path: string; readonly port: number }, signal: AbortSignal): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const asked = request({ host, port, path, method: 'GET', agent: false, signal, headers: { 'user-agent': 'waybill', connection: 'close' } }, (answer) => {
      const status = answer.statusCode ?? 0;
      resolve(status >= 200 && status <= 399 ? WELL : ill(`GET ${path} on port ${port} answered ${status}`));
      answer.destroy();
    });
    asked.once('error', (error) => resolve(ill(`GET ${path} on port ${port}: ${error.message}`)));
    asked.end();
  });

const dial = (host: string, port: number, signal: AbortSignal): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, signal }, () => {
      resolve(WELL);
      socket.destroy();
    });
    socket.once('error', (error) => resolve(ill(`port ${port}: ${error.message}`)));
  });
