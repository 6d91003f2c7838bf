import { Module, type BeforeApplicationShutdown, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import { AgentRequestsController } from './agent-requests.controller.ts';
import { HealthMonitor } from './health-monitor.ts';
import type { MonitorPorts } from './ports.ts';

/** Nest's place for the monitor: begins it when the app is up, ends it before the app's connection closes. */
class HealthMonitorLife implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly monitor: HealthMonitor) {}

  onApplicationBootstrap(): void {
    this.monitor.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.monitor.stop();
  }
}

@Module({})
export class HealthMonitorModule {
  /** @param ports everything that the monitor touches; whoever opened it closes it, after the app. */
  static on(ports: MonitorPorts): DynamicModule {
    return {
      module: HealthMonitorModule,
      controllers: [AgentRequestsController],
      providers: [
        { provide: HealthMonitor, useFactory: () => new HealthMonitor(ports) },
        { provide: HealthMonitorLife, useFactory: (monitor: HealthMonitor) => new HealthMonitorLife(monitor), inject: [HealthMonitor] },
      ],
    };
  }
}
