import { Inject, type Type } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { config, dockerService, job, network, node, plan, project, Rejection, resource, schedule, secret, streamOf, user, volume, type Command, type Decider, type DomainEvent, type StreamCategory } from '#domain';
import { AggregateStore, type Handled } from '#event-store';
import { ToDockerService, ToJob, ToNetwork, ToNode, ToConfig, ToPlan, ToProject, ToResource, ToSchedule, ToSecret, ToVolume, ToUser, type AggregateCommand } from './aggregate-command.ts';
import { Dispatcher } from './dispatcher.ts';
import { Uneventful } from './uneventful.ts';

/** The handler of one aggregate: its commands go to its decider and its stream, and nowhere else. */
function handlerOf<C extends Command, S, E extends DomainEvent>(
  carrier: Type<AggregateCommand<C, S>>,
  category: StreamCategory,
  decider: Decider<S, C, E>,
): Type<ICommandHandler<AggregateCommand<C, S>, Handled<S>>> {
  @CommandHandler(carrier)
  class AggregateHandler {
    readonly #uneventful = new Uneventful();

    constructor(@Inject(AggregateStore) private readonly aggregates: AggregateStore) {}

    async execute({ id, command, metadata, options }: AggregateCommand<C, S>): Promise<Handled<S>> {
      const stream = streamOf(category, id);
      const { commandId, bodyHash } = metadata;
      const before = this.#uneventful.recall(stream, commandId);
      if (before) {
        if (before.bodyHash !== bodyHash) throw keyReused();
        return { ...(before.handled as Handled<S>), repeated: true };
      }
      const handled = await this.aggregates.handle(decider, stream, command, metadata, options);
      if (bodyHash === undefined) return handled;
      if (handled.repeated && handled.events[0]?.metadata.bodyHash !== bodyHash) throw keyReused();
      if (handled.events.length === 0) this.#uneventful.remember(stream, commandId, bodyHash, handled);
      return handled;
    }
  }
  return AggregateHandler;
}

const byCarrier = new Map<unknown, Type<ICommandHandler>>([
  [ToDockerService, handlerOf(ToDockerService, 'docker_service', dockerService)],
  [ToProject, handlerOf(ToProject, 'project', project)],
  [ToJob, handlerOf(ToJob, 'job', job)],
  [ToSchedule, handlerOf(ToSchedule, 'schedule', schedule)],
  [ToNode, handlerOf(ToNode, 'node', node)],
  [ToNetwork, handlerOf(ToNetwork, 'network', network)],
  [ToVolume, handlerOf(ToVolume, 'volume', volume)],
  [ToPlan, handlerOf(ToPlan, 'plan', plan)],
  [ToSecret, handlerOf(ToSecret, 'secret', secret)],
  [ToConfig, handlerOf(ToConfig, 'config', config)],
  [ToResource, handlerOf(ToResource, 'resource', resource)],
  [ToUser, handlerOf(ToUser, 'user', user)],
]);

/** One for each aggregate that takes commands from outside. */
export const handlers = [...byCarrier.values()];

/** A dispatcher over the same handlers for whoever hosts no Nest app. */
export function dispatcherOn(aggregates: AggregateStore): Dispatcher {
  const made = new Map([...byCarrier].map(([carrier, Handler]) => [carrier, new Handler(aggregates)]));
  return new Dispatcher({ execute: (command: object) => made.get(command.constructor)!.execute(command as never) as never });
}

/** One name for two requests. The stream holds the fingerprint of the one that came first, so no race can hide it. */
const keyReused = () =>
  new Rejection('invalid', 'idempotency.key_reused', 'this Idempotency-Key was used with another body: choose a new key for a new request');
