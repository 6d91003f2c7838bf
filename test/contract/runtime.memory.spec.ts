import { systemClock } from '#platform';
import { MemoryRuntime } from '#testing';
import { runtimeContract } from './runtime-contract.ts';

runtimeContract('memory', async () => {
  const runtime = new MemoryRuntime(systemClock, {
    images: {
      stays: { run: () => ({ lines: ['ready'], exec: ([command, , script]) => (command === 'sleep' ? null : Number(/exit (\d+)/.exec(script ?? '')?.[1] ?? 0)) }) },
      stubborn: { run: () => ({ lines: ['ready'], ignoresTerm: true }) },
      fails: { run: () => ({ lines: ['ready'], exitAfterMs: 200, exitCode: 3 }) },
      speaks: { run: () => ({ lines: ['one', 'two'], exitAfterMs: 100 }) },
      present: { pullMs: 50, bytes: 1_000, repoDigests: [`present@sha256:${'a'.repeat(64)}`] },
      private: { pull: 'image_pull_denied' },
      away: { pull: 'registry_unreachable' },
    },
    local: ['stays', 'stubborn', 'fails', 'speaks'],
  });
  return {
    runtime,
    images: { stays: 'stays', stubborn: 'stubborn', fails: 'fails', speaks: 'speaks', present: 'present', unknown: 'unknown', private: 'private', away: 'away' },
    lose: async () => runtime.goDown(),
    recover: async () => runtime.comeUp(),
    close: async () => undefined,
  };
});
