import Dockerode from 'dockerode';
import { setTimeout as pause } from 'node:timers/promises';
import { importBusybox, startEngine, type TestEngine } from '#testing';
import { IMAGE } from '../e2e/world.ts';
import { COMMAND, RESOURCES } from './container.ts';
import { timed } from './figure.ts';

const NETWORK = 'bench';
const DEADLINE_MS = 120_000;

/** How the tasks of a service are replaced: new ones first, without a wait in between. */
export interface Roll {
  readonly parallelism: number;
  readonly monitorMs: number;
}

/** A service that stands. */
export interface Standing {
  readonly id: string;
  /** Of its containers: `name=value`. */
  readonly label: string;
}

/** Docker Swarm with one node, on an engine of its own and of the same version as Waybill's. */
export class Swarm {
  private made = 0;

  private constructor(
    private readonly engine: TestEngine,
    readonly docker: Dockerode,
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
    let standing: Standing | null = null;
    const took = await timed(async () => (standing = await this.stand(replicas, { parallelism: 1, monitorMs: 0 })));
    await this.remove(standing!);
    return took;
  }

  /** A service whose tasks all run; one that ends is restarted at once. */
  async stand(replicas: number, roll: Roll): Promise<Standing> {
    const name = `bench-${(this.made += 1)}`;
    const { id } = (await this.docker.createService(this.spec(name, replicas, roll))) as unknown as { id: string };
    await this.until(`${replicas} tasks of ${name} run`, async () => (await this.runningContainers({ id })).length === replicas);
    return { id, label: `com.docker.swarm.service.id=${id}` };
  }

  /** The containers of the tasks that run, by Swarm's word. */
  async runningContainers({ id }: Pick<Standing, 'id'>): Promise<string[]> {
    const tasks = (await this.docker.listTasks({ filters: { service: [id] } })) as { Status: { State: string; ContainerStatus?: { ContainerID: string } } }[];
    return tasks.filter(({ Status }) => Status.State === 'running').map(({ Status }) => Status.ContainerStatus!.ContainerID);
  }

  /** Has every task replaced by one that has another variable. @returns once Swarm has taken it. */
  async update({ id }: Standing): Promise<void> {
    const service = this.docker.getService(id);
    const { Spec, Version } = (await service.inspect()) as { Spec: { TaskTemplate: { ContainerSpec: object } }; Version: { Index: number } };
    const { ContainerSpec } = Spec.TaskTemplate;
    const TaskTemplate = { ...Spec.TaskTemplate, ContainerSpec: { ...ContainerSpec, Env: [`VERSION=${Version.Index}`] } };
    await service.update({ ...Spec, TaskTemplate, version: Version.Index });
  }

  /** Waits until Swarm says that an update is over. @throws Error where it wasn't a success. */
  async updated({ id }: Standing): Promise<void> {
    await this.until('the update is completed', async () => {
      const { UpdateStatus } = (await this.docker.getService(id).inspect()) as { UpdateStatus?: { State: string; Message: string } };
      if (UpdateStatus && !['updating', 'completed'].includes(UpdateStatus.State)) throw new Error(`the update of Swarm is ${UpdateStatus.State}: ${UpdateStatus.Message}`);
      return UpdateStatus?.State === 'completed';
    });
  }

  /** With all its containers. */
  async remove({ id }: Standing): Promise<void> {
    await this.docker.getService(id).remove();
    await this.until('its containers are gone', async () => (await this.docker.listContainers({ all: true })).length === 0);
  }

  async stop(): Promise<void> {
    await this.engine.docker('swarm', 'leave', '--force');
    await this.engine.stop();
  }

  async until(what: string, test: () => Promise<boolean>): Promise<void> {
    for (const end = performance.now() + DEADLINE_MS; performance.now() < end; await pause(25)) if (await test()) return;
    throw new Error(`never within ${DEADLINE_MS} ms: ${what}`);
  }

  private spec(name: string, replicas: number, { parallelism, monitorMs }: Roll): Dockerode.CreateServiceOptions {
    const { request, limit } = RESOURCES;
    return {
      Name: name,
      TaskTemplate: {
        ContainerSpec: { Image: IMAGE, Command: COMMAND },
        Resources: {
          Reservations: { NanoCPUs: nano(request.cpu_millis), MemoryBytes: request.memory_bytes },
          Limits: { NanoCPUs: nano(limit.cpu_millis), MemoryBytes: limit.memory_bytes },
        },
        RestartPolicy: { Condition: 'any', Delay: 0 },
        Networks: [{ Target: NETWORK }],
      },
      Mode: { Replicated: { Replicas: replicas } },
      UpdateConfig: { Parallelism: parallelism, Order: 'start-first', Delay: 0, Monitor: nano(monitorMs), FailureAction: 'rollback' },
      EndpointSpec: { Mode: 'dnsrr' },
    } as Dockerode.CreateServiceOptions;
  }
}

/** Thousandths → billionths. */
const nano = (thousandths: number): number => thousandths * 1_000_000;
