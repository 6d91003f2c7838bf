import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { Command, CommandMetadata } from '#domain';
import type { Handled } from '#event-store';
import type { AggregateCommand } from './aggregate-command.ts';

/** Sends commands to their aggregates. Multi-stream intents are functions over it, beside this file. */
@Injectable()
export class Dispatcher {
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(@Inject(CommandBus) private readonly bus: Pick<CommandBus, 'execute'>) {}

  /** @throws what `AggregateStore.handle` throws; Rejection `idempotency.key_reused` where the command's name stands for another body. */
  send<C extends Command, State>(command: AggregateCommand<C, State>): Promise<Handled<State>> {
    return this.bus.execute(command);
  }

  /** What concerns one thing, one after the other in this process: for intents that read it and then write several streams. */
  async inTurn<Result>(key: string, carryOut: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(key);
    const turn = before ? before.then(carryOut, carryOut) : carryOut();
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}

/** The same intent's next command on another stream, or one that takes back: a name of its own that follows from the first,
 *  and without the fingerprint, since no client can name it. */
export const followUp = (metadata: CommandMetadata, commandId: string): CommandMetadata => ({ ...metadata, commandId, bodyHash: undefined });
