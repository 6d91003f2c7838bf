import type Dockerode from 'dockerode';
import { timed } from './figure.ts';

/** The engine alone, asked for containers like one of Waybill's: same image, command, network and limits. */
export class BareEngine {
  private made = 0;

  private constructor(
    private readonly docker: Dockerode,
    private readonly config: Dockerode.ContainerCreateOptions,
  ) {}

  /** Takes everything but labels and name from a container that is there. */
  static async like(docker: Dockerode, containerId: string): Promise<BareEngine> {
    const { Config, HostConfig } = await docker.getContainer(containerId).inspect();
    const { Image, Entrypoint, Cmd, Env } = Config;
    const { StopTimeout } = Config as { StopTimeout?: number };
    const NetworkingConfig = { EndpointsConfig: { [HostConfig.NetworkMode!]: {} } };
    return new BareEngine(docker, { Image, Entrypoint, Cmd, Env, StopTimeout, HostConfig, NetworkingConfig } as Dockerode.ContainerCreateOptions);
  }

  /** Creates and starts so many, `concurrency` at once, and removes them. @returns milliseconds until the last was started. */
  async run(count: number, concurrency: number): Promise<number> {
    const containers: Dockerode.Container[] = [];
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const container = await this.docker.createContainer({ ...this.config, name: `bench-${process.pid}-${(this.made += 1)}` });
        containers.push(container);
        await container.start();
      }
    };
    const took = await timed(() => Promise.all(Array.from({ length: concurrency }, worker)));
    for (const container of containers) await container.remove({ force: true });
    return took;
  }
}
