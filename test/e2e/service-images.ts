import { importBusybox } from '#testing';
import type { World } from './world.ts';

const loop = (before: string, each = ''): string => JSON.stringify(['/bin/sh', '-c', `${before}; trap "exit 0" TERM; while :; do ${each} sleep 1 & wait $!; done`]);
const web = (version: number): readonly string[] => [`ENV VERSION=${version}`, `CMD ${loop('touch /tmp/well; httpd -p 8080 -h /www')}`];

/** Images of one service, the good ones and those that a deployment has to turn back from. Each runs by its own CMD; `/tmp/well` is
 *  there while it is well. */
export const IMAGES = {
  first: 'waybill-test/web:1',
  second: 'waybill-test/web:2',
  third: 'waybill-test/web:3',
  /** Ends at once, with exit code 3. */
  crashing: 'waybill-test/web:crashing',
  /** Well for 5 s, then not any more. */
  sickening: 'waybill-test/web:sickening',
  /** Runs, and is never well. */
  neverWell: 'waybill-test/web:never-well',
} as const;

/** Asks for `/tmp/well`, twice a second. */
export const WELL = { type: 'command', command: ['test', '-e', '/tmp/well'], interval_ms: 500, timeout_ms: 1_000, unhealthy_threshold: 2 } as const;

/** Makes them on the world's engine. */
export async function makeServiceImages({ engine }: World): Promise<void> {
  const changes: Readonly<Record<string, readonly string[]>> = {
    [IMAGES.first]: web(1),
    [IMAGES.second]: web(2),
    [IMAGES.third]: web(3),
    [IMAGES.crashing]: [`CMD ${JSON.stringify(['/bin/sh', '-c', 'echo oh no; exit 3'])}`],
    [IMAGES.sickening]: [`CMD ${loop('touch /tmp/well; i=0', 'i=$((i+1)); [ $i = 6 ] && { echo feeling sick; rm /tmp/well; };')}`],
    [IMAGES.neverWell]: [`CMD ${loop('echo still warming up')}`],
  };
  for (const [tag, change] of Object.entries(changes)) await importBusybox(engine.host, tag, change);
}
