import { Inject, type Type } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { dockerService, job, node, plan, project, Rejection, streamOf, type Command, type Decider, type DomainEvent, type StreamCategory } from '#domain';
import { AggregateStore, type Handled } from '#event-store';
import { ToDockerService, ToJob, ToNode, ToPlan, ToProject, type AggregateCommand } from './aggregate-command.ts';

/** The handler of one aggregate: its commands go to its decider and its stream, and nowhere else. */
function handlerOf<C extends Command, S, E extends DomainEvent>(
  carrier: Type<AggregateCommand<C, S>>,
  category: StreamCategory,
  decider: Decider<S, C, E>,
): Type<ICommandHandler<AggregateCommand<C, S>, Handled<S>>> {
  @CommandHandler(carrier)
  class AggregateHandler {
    constructor(@Inject(AggregateStore) private readonly aggregates: AggregateStore) {}

    async execute({ id, command, metadata, options }: AggregateCommand<C, S>): Promise<Handled<S>> {
      const handled = await this.aggregates.handle(decider, streamOf(category, id), command, metadata, options);
      refuseReusedKey(handled, metadata.bodyHash);
      return handled;
    }
  }
  return AggregateHandler;
}

/** One for each aggregate that takes commands from outside. */
export const handlers = [
  handlerOf(ToDockerService, 'docker_service', dockerService),
  handlerOf(ToProject, 'project', project),
  handlerOf(ToJob, 'job', job),
  handlerOf(ToNode, 'node', node),
  handlerOf(ToPlan, 'plan', plan),
];

/** The same name for two requests: the stream holds the fingerprint of the one that came first, so no race can hide it. */
function refuseReusedKey({ repeated, events }: Handled<unknown>, bodyHash: string | undefined): void {
  if (!repeated || bodyHash === undefined || events[0]?.metadata.bodyHash === bodyHash) return;
  throw new Rejection('invalid', 'idempotency.key_reused', 'this Idempotency-Key was used with another body: choose a new key for a new request');
}
