import type { ImageScript } from '#testing';

/** What an image does, by its name; each host draws by its own lot. Whoever asks a container how it is hears of the host's ill. */
export const images = (random: () => number, isIll: () => boolean): Readonly<Record<string, ImageScript>> =>
  Object.fromEntries(Object.entries(scripts(random)).map(([name, { run = () => ({}), ...script }]) => [name, { ...script, run: (start) => ({ exec: () => (isIll() ? 1 : 0), ...run(start) }) }]));

const scripts = (random: () => number): Readonly<Record<string, ImageScript>> => ({
  [imageOf('steady')]: {},
  /** Comes up at the third try at the latest. */
  [imageOf('flaky')]: { run: (start) => (start <= 2 && random() < 0.6 ? { exitAfterMs: 200 + Math.floor(random() * 2_000), exitCode: 1 } : {}) },
  [imageOf('crashing')]: { run: () => ({ exitAfterMs: 1_500 + Math.floor(random() * 30_000), exitCode: 1 }) },
  [imageOf('failing')]: { run: () => ({ exitAfterMs: 100, exitCode: 1 }) },
  /** Is never well, if asked. */
  [imageOf('sick')]: { run: () => ({ exec: () => 1 }) },
  /** Has done its work after a while. */
  [imageOf('finishing')]: { run: () => ({ exitAfterMs: 1_500 + Math.floor(random() * 5_000), exitCode: 0 }) },
  [imageOf('slow')]: { pullMs: 20_000 },
  [imageOf('stubborn')]: { run: () => ({ ignoresTerm: true }) },
  [imageOf('unknown')]: { pull: 'image_not_found' },
  [imageOf('task')]: { run: () => ({ exitAfterMs: 500 + Math.floor(random() * 5_000), exitCode: 0 }) },
  [imageOf('failing-task')]: { run: () => ({ exitAfterMs: 500, exitCode: 3 }) },
  [imageOf('endless-task')]: {},
});

export const SERVICE_IMAGES = ['steady', 'steady', 'steady', 'flaky', 'flaky', 'crashing', 'slow', 'stubborn', 'failing', 'unknown', 'sick', 'finishing'] as const;
export const TASK_IMAGES = ['task', 'task', 'failing-task', 'endless-task', 'unknown'] as const;

export const imageOf = (name: (typeof SERVICE_IMAGES)[number] | (typeof TASK_IMAGES)[number]): string => `docker.io/library/${name}:1`;

/** Whether containers of it may come and go for ever, or never be well. */
export const isRestless = (image: string): boolean => /crashing|failing|finishing|sick/.test(image);
