import type { ImageScript, RunScript } from '#testing';

/** What an image does, by its name; each host draws by its own lot. Whoever asks a container how it is hears of the host's ill. */
export const images = (random: () => number, isIll: () => boolean): Readonly<Record<string, ImageScript>> =>
  Object.fromEntries(
    Object.entries<ImageScript>(scripts(random)).flatMap(([name, script]) => {
      const digested = `docker.io/library/${name}@sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`;
      const image = { ...script, run: (start: number) => clouded(script.run?.(start) ?? {}, isIll), repoDigests: HOMEMADE.includes(name) ? [] : [digested] };
      return [imageOf(name as Image), digested].map((reference) => [reference, image]);
    }),
  );

/** No registry has given these a digest: they are pinned to their ids, which no other host can pull. */
const HOMEMADE: readonly string[] = ['stubborn', 'finishing'];

const clouded = ({ exec = () => 0, ...script }: RunScript, isIll: () => boolean): RunScript => ({ ...script, exec: (...asked) => (isIll() ? 1 : exec(...asked)) });

const scripts = (random: () => number) => {
  const upTo = (ms: number): number => Math.floor(random() * ms);
  const runs = (run: () => RunScript): ImageScript => ({ run });
  return {
    steady: {},
    /** Comes up at the third try at the latest. */
    flaky: { run: (start) => (start <= 2 && random() < 0.6 ? { exitAfterMs: 200 + upTo(2_000), exitCode: 1 } : {}) },
    crashing: runs(() => ({ exitAfterMs: 1_500 + upTo(30_000), exitCode: 1 })),
    failing: runs(() => ({ exitAfterMs: 100, exitCode: 1 })),
    /** Takes more memory than it may. */
    hungry: runs(() => ({ exitAfterMs: 1_000 + upTo(20_000), exitCode: 137, oomKilled: true })),
    /** Has done its work after a while. */
    finishing: runs(() => ({ exitAfterMs: 1_500 + upTo(5_000), exitCode: 0 })),
    slow: { pullMs: 20_000 },
    stubborn: runs(() => ({ ignoresTerm: true })),
    unknown: { pull: 'image_not_found' },

    // If asked how they are:
    sick: runs(() => ({ exec: () => 1 })),
    /** Gives no answer. */
    mute: runs(() => ({ exec: () => null })),
    warming: runs(() => ({ exec: (_, runningMs) => (runningMs < 3_000 ? 1 : 0) })),
    /** Is well, then isn't for long enough to be told from a stumble, and recovers. */
    relapsing: runs(() => ({ exec: (_, runningMs) => (runningMs > 6_000 && runningMs < 15_000 ? 1 : 0) })),
    flapping: runs(() => ({ exec: (_, runningMs) => Math.floor(runningMs / 6_000) % 2 })),

    task: runs(() => ({ exitAfterMs: 500 + upTo(5_000), exitCode: 0 })),
    'failing-task': runs(() => ({ exitAfterMs: 500, exitCode: 3 })),
    'wavering-task': runs(() => ({ exitAfterMs: 300 + upTo(3_000), exitCode: random() < 0.5 ? 0 : 1 })),
    'hungry-task': runs(() => ({ exitAfterMs: 1_000, exitCode: 137, oomKilled: true })),
    'endless-task': {},
    'stubborn-task': runs(() => ({ ignoresTerm: true })),
  } satisfies Readonly<Record<string, ImageScript>>;
};

type Image = keyof ReturnType<typeof scripts>;

export const SERVICE_IMAGES = [
  'steady', 'steady', 'steady', 'steady', 'flaky', 'flaky', 'crashing', 'hungry', 'slow', 'stubborn', 'failing', 'unknown', 'sick', 'mute', 'warming', 'relapsing', 'flapping', 'finishing',
] as const satisfies readonly Image[];
export const TASK_IMAGES = ['task', 'task', 'task', 'failing-task', 'wavering-task', 'hungry-task', 'endless-task', 'stubborn-task', 'unknown'] as const satisfies readonly Image[];

export const imageOf = (name: Image): string => `docker.io/library/${name}:1`;

/** Whether containers of it may come and go for ever, or never be well. */
export const isRestless = (image: string): boolean => RESTLESS.some((name) => image === imageOf(name));

const RESTLESS = ['crashing', 'failing', 'hungry', 'finishing', 'sick', 'mute', 'relapsing', 'flapping'] as const;
