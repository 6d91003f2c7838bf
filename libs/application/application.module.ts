import { type DynamicModule, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AggregateStore } from '#event-store';
import { Dispatcher } from './dispatcher.ts';
import { handlers } from './handlers.ts';

/** Makes `Dispatcher` known. Its handlers are found when the app is initialised, not before. */
@Module({})
export class ApplicationModule {
  static forRoot(aggregates: AggregateStore): DynamicModule {
    return {
      module: ApplicationModule,
      imports: [CqrsModule.forRoot()],
      providers: [{ provide: AggregateStore, useValue: aggregates }, Dispatcher, ...handlers],
      exports: [Dispatcher, AggregateStore],
    };
  }
}
