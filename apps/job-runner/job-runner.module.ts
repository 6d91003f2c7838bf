import { Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { JobRunner } from './job-runner.ts';
import type { JobRunnerPorts } from './ports.ts';

/** Nest's place for the job-runner: begins it when the app is up, ends it when the app closes. */
class JobRunnerLife implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly runner: JobRunner) {}

  onApplicationBootstrap(): void {
    this.runner.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.runner.stop();
  }
}

@Module({})
export class JobRunnerModule {
  /** @param ports everything that the runner touches; whoever opened it closes it, after the app. */
  static on(ports: JobRunnerPorts): DynamicModule {
    return {
      module: JobRunnerModule,
      providers: [
        { provide: JobRunner, useFactory: () => new JobRunner(ports) },
        { provide: JobRunnerLife, useFactory: (runner: JobRunner) => new JobRunnerLife(runner), inject: [JobRunner] },
      ],
    };
  }
}
