import type { Clock } from '#contracts';
import { EngineError, type ContainerState, type Intervention } from '#docker';

/** What an image does. */
export interface ImageScript {
  readonly architecture?: string;
  /** What its registry answers; `ok` by default. */
  readonly pull?: 'ok' | 'image_not_found' | 'image_pull_denied' | 'registry_unreachable';
  /** `<user>:<password>`, without which its registry gives nothing. */
  readonly credentials?: string;
  readonly pullMs?: number;
  /** How much that is: the registry tells of each twentieth. */
  readonly bytes?: number;
  /** It says nothing while it is pulled. */
  readonly isSilent?: boolean;
  readonly repoDigests?: readonly string[];
  /** How its n-th start goes, from 1; by default it runs until it is stopped. */
  readonly run?: (start: number) => RunScript;
}

export interface RunScript {
  /** Exits by itself after this; null: never. */
  readonly exitAfterMs?: number | null;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Written to stdout at the start. */
  readonly lines?: readonly string[];
  /** The engine was killed in the middle of it: the container is as it was, and can't be started any more. */
  readonly isLost?: boolean;
  /** How a command in it ends that is begun so long after its start; by default with 0, null: not before the container does. */
  readonly exec?: (command: readonly string[], runningMs: number) => number | null;
  /** Doesn't end on SIGTERM, but on the SIGKILL after the grace. */
  readonly ignoresTerm?: boolean;
}

/** What is looked at of a container's config. */
export interface ContainerConfig {
  readonly Image: string;
  readonly Env?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
  readonly HostConfig?: { readonly NetworkMode?: string; readonly PortBindings?: Readonly<Record<string, readonly { readonly HostPort?: string }[]>>; readonly Mounts?: readonly { readonly Type: string; readonly Source?: string }[] };
}

/** The volumes that a container has, by their names. */
const volumesOf = ({ HostConfig }: ContainerConfig): readonly string[] => (HostConfig?.Mounts ?? []).flatMap(({ Type, Source }) => (Type === 'volume' && Source ? [Source] : []));

/** One container of a `MemoryRuntime`, living by its image's script. */
export class MemoryContainer {
  readonly interventions: Intervention[] = [];
  readonly lines: { at: string; stream: 'stdout'; line: string }[] = [];
  state: ContainerState;
  #starts = 0;
  #script: RunScript = {};
  #cancelExit = (): void => undefined;
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    private readonly self: { readonly id: string; readonly name: string; readonly address: string },
    readonly config: ContainerConfig,
    private readonly image: ImageScript,
    private readonly tell: (action: string) => void,
  ) {
    this.state = {
      id: self.id,
      name: self.name,
      labels: config.Labels ?? {},
      imageId: `sha256:${config.Image}`,
      status: 'created',
      exitCode: null,
      oomKilled: false,
      error: null,
      startedAt: null,
      finishedAt: null,
      address: null,
    };
  }

  get id(): string {
    return this.self.id;
  }

  get volumes(): readonly string[] {
    return volumesOf(this.config);
  }

  get network(): string | null {
    return this.config.HostConfig?.NetworkMode ?? null;
  }

  /** `8080/tcp` */
  get hostPorts(): readonly string[] {
    return Object.entries(this.config.HostConfig?.PortBindings ?? {}).flatMap(([port, bindings]) =>
      bindings.filter(({ HostPort }) => HostPort).map(({ HostPort }) => `${HostPort}/${port.split('/')[1] ?? 'tcp'}`),
    );
  }

  /** @throws EngineError `start_lost` by the script. */
  start(): void {
    this.#starts += 1;
    this.#script = this.image.run?.(this.#starts) ?? {};
    if (this.#script.isLost) throw new EngineError('start_lost', false, `task ${this.id}: already exists`);
    const at = this.#now();
    // Two starts may bear one time here.
    this.interventions.length = 0;
    this.state = { ...this.state, status: 'running', exitCode: null, oomKilled: false, startedAt: at, finishedAt: null, address: this.self.address };
    for (const line of this.#script.lines ?? []) this.lines.push({ at, stream: 'stdout', line });
    const { exitAfterMs = null, exitCode = 0, oomKilled = false } = this.#script;
    this.#cancelExit = exitAfterMs === null ? () => undefined : this.clock.after(exitAfterMs, () => this.end(exitCode, oomKilled));
    this.#change('start');
  }

  async stop(graceMs: number): Promise<void> {
    if (this.state.status !== 'running') return;
    this.#intervene(15);
    if (this.#script.ignoresTerm) {
      await this.clock.sleep(graceMs);
      this.#intervene(9);
      this.end(137, false);
    } else this.end(143, false);
    this.#intervene(null);
  }

  /** @returns the exit code, null: it was aborted. @throws EngineError `not_found` when the container doesn't run, or ends. */
  async exec(command: readonly string[], signal: AbortSignal): Promise<number | null> {
    const start = this.state.startedAt;
    const isUp = (): boolean => this.state.status === 'running' && this.state.startedAt === start;
    if (isUp()) {
      const code = this.#script.exec === undefined ? 0 : this.#script.exec(command, this.clock.now() - Date.parse(start!));
      if (code !== null) return code;
    }
    while (isUp() && !signal.aborted) await this.changed(signal);
    if (signal.aborted) return null;
    throw new EngineError('not_found', true, `container ${this.id} is not running`);
  }

  #intervene(signal: number | null): void {
    this.interventions.push({ signal, at: this.#now() });
  }

  /** Nothing happens to one that doesn't run. */
  end(exitCode: number, oomKilled: boolean): void {
    if (this.state.status !== 'running') return;
    this.#cancelExit();
    this.state = { ...this.state, status: 'exited', exitCode, oomKilled, finishedAt: this.#now(), address: null };
    this.#change('die');
  }

  /** Resolves when something happened to it, or at once when aborted. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #change(action: string): void {
    for (const done of [...this.#waiting]) done();
    this.tell(action);
  }

  #now(): string {
    return new Date(this.clock.now()).toISOString().replace('Z', '000000Z');
  }
}
