import { type DynamicModule, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, type AgentOptions } from './agent.ts';

/** Nest's place for the agent: begins it when the app is up, ends it, and none of its containers, when the app closes. */
class AgentLife implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly agent: Agent) {}

  onApplicationBootstrap(): void {
    this.agent.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.agent.stop();
  }
}

@Module({})
export class AgentModule {
  /** @param options everything that the agent touches; whoever opened it closes it, after the app. */
  static on(options: AgentOptions): DynamicModule {
    return {
      module: AgentModule,
      providers: [
        { provide: Agent, useFactory: () => Agent.open(options) },
        { provide: AgentLife, useFactory: (agent: Agent) => new AgentLife(agent), inject: [Agent] },
      ],
    };
  }
}
