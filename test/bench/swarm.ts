import Dockerode from 'dockerode';
import { setTimeout as pause } from 'node:timers/promises';
import { importBusybox, startEngine, type TestEngine } from '#testing';
import { IMAGE } from '../e2e/world.ts';
import { COMMAND, RESOURCES } from './container.ts';
import { timed } from './figure.ts';

const NETWORK = 'bench';
const DEADLINE_MS = 120_000;

/** Docker Swarm with one node, on an engine of its own and of the same version as Waybill's. */
export class Swarm {
  private made = 0;

  private constructor(
    private readonly engine: TestEngine,
    private readonly docker: Dockerode,
  ) {}

  /** Swarm mode refuses an engine that keeps its containers while it is away. Its services share one bridge network, as
   *  Waybill's do. */
  static async start(): Promise<Swarm> {
    const engine = await startEngine({ flags: ['--live-restore=false'] });
    try {
      await importBusybox(engine.host, IMAGE);
      await engine.docker('swarm', 'init', '--advertise-addr', engine.address, '--task-history-limit', '0');
      await engine.docker('network', 'create', '--scope', 'swarm', '--driver', 'bridge', NETWORK);
      return new Swarm(engine, new Dockerode({ socketPath: new URL(engine.host).pathname }));
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /** From the request for a service to all its tasks running; it is removed then. @returns milliseconds. */
  async create(replicas: number): Promise<number> {
    const name = `bench-${(this.made += 1)}`;
    let id = '';
    const took = await timed(async () => {
      ({ id } = (await this.docker.createService(this.spec(name, replicas))) as unknown as { id: string });
      await this.until(`${replicas} tasks of ${name} run`, async () => {
        const tasks = (await this.docker.listTasks({ filters: { service: [name] } })) as { Status: { State: string } }[];
        return tasks.filter(({ Status }) => Status.State === 'running').length === replicas;
      });
    });
    await this.docker.getService(id).remove();
    await this.until('its containers are gone', async () => (await this.docker.listContainers({ all: true })).length === 0);
    return took;
  }

  async stop(): Promise<void> {
    await this.engine.docker('swarm', 'leave', '--force');
    await this.engine.stop();
  }

  private spec(name: string, replicas: number): Dockerode.CreateServiceOptions {
    const nano = (millis: number): number => millis * 1_000_000;
    const { request, limit } = RESOURCES;
    return {
      Name: name,
      TaskTemplate: {
        ContainerSpec: { Image: IMAGE, Command: COMMAND },
        Resources: {
          Reservations: { NanoCPUs: nano(request.cpu_millis), MemoryBytes: request.memory_bytes },
          Limits: { NanoCPUs: nano(limit.cpu_millis), MemoryBytes: limit.memory_bytes },
        },
        RestartPolicy: { Condition: 'none' },
        Networks: [{ Target: NETWORK }],
      },
      Mode: { Replicated: { Replicas: replicas } },
      EndpointSpec: { Mode: 'dnsrr' },
    } as Dockerode.CreateServiceOptions;
  }

  private async until(what: string, test: () => Promise<boolean>): Promise<void> {
    for (const end = performance.now() + DEADLINE_MS; performance.now() < end; await pause(25)) if (await test()) return;
    throw new Error(`never within ${DEADLINE_MS} ms: ${what}`);
  }
}
