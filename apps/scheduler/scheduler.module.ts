import { type DynamicModule, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';

/** Nest's place for the scheduler: begins it when the app is up, ends it when the app closes. */
class SchedulerLife implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly scheduler: Scheduler) {}

  onApplicationBootstrap(): void {
    this.scheduler.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.scheduler.stop();
  }
}

@Module({})
export class SchedulerModule {
  /** @param options everything that the scheduler touches; whoever opened it closes it, after the app. */
  static on(options: SchedulerOptions): DynamicModule {
    return {
      module: SchedulerModule,
      providers: [
        { provide: Scheduler, useFactory: () => new Scheduler(options) },
        { provide: SchedulerLife, useFactory: (scheduler: Scheduler) => new SchedulerLife(scheduler), inject: [Scheduler] },
      ],
    };
  }
}
