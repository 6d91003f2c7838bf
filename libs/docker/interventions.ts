import type Dockerode from 'dockerode';
import { epochOf, jsonLines } from './engine-answers.ts';
import { toEngineError } from './engine-errors.ts';
import type { Intervention } from './runtime.ts';

/** What the engine still knows of signals to a container and stops of it. `docker stop` is a `kill` with its signal, perhaps another with
 *  SIGKILL, then a `stop`; `docker kill` is a `kill` alone (moby, `daemon/stop.go`, `daemon/kill.go`). */
export async function readInterventions(docker: Dockerode, id: string, { since, until }: { since: string; until: number }): Promise<readonly Intervention[]> {
  const filters = { type: ['container'], container: [id], event: ['kill', 'stop'] };
  const times = { since: epochOf(since), until: epochOf(new Date(until).toISOString()) };
  try {
    const stream = await docker.getEvents({ ...times, filters } as unknown as Dockerode.GetEventsOptions);
    const found: Intervention[] = [];
    for await (const event of jsonLines(stream)) {
      const { Attributes } = (event['Actor'] ?? {}) as { Attributes?: { signal?: string } };
      found.push({ signal: event['Action'] === 'stop' ? null : Number(Attributes?.signal), at: new Date(Number(event['timeNano']) / 1e6).toISOString() });
    }
    return found;
  } catch (error) {
    throw toEngineError(error);
  }
}
