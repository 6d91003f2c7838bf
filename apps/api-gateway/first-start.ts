import { Dispatcher, ToPlan, createProject } from '#application';
import type { Clock } from '#contracts';
import { PLATFORM, Rejection, type CommandMetadata, type Resources } from '#domain';
import type { AggregateStore } from '#event-store';
import { commandIdOf } from '#platform';

const MIB = 1024 ** 2;
const size = (cpuMillis: number, memoryBytes: number): Resources => ({ request: { cpuMillis, memoryBytes }, limit: { cpuMillis, memoryBytes } });

/** What an installation begins with. Operators may change the plans afterwards: a later start leaves them as they are. */
const PLANS: Readonly<Record<string, Resources>> = {
  small: size(250, 256 * MIB),
  medium: size(1_000, 1_024 * MIB),
  large: size(2_000, 4_096 * MIB),
};

/** Makes the project `default` with its environment `default`, and the first plans. Its commands have fixed names: every start
 *  says them again, and all but the first find them carried out. */
export async function firstStart({ dispatcher, aggregates, clock }: { dispatcher: Dispatcher; aggregates: AggregateStore; clock: Clock }): Promise<void> {
  const saying = (what: string): CommandMetadata => {
    const commandId = commandIdOf('first-start', what);
    const actor = { type: 'system', id: 'api-gateway' } as const;
    return { commandId, tenantId: PLATFORM, actor, originId: null, now: clock.now(), correlationId: commandId, causationId: null };
  };
  for (const [name, resources] of Object.entries(PLANS)) {
    await onceOnly(dispatcher.send(new ToPlan(name, { type: 'DefinePlan', data: { name, resources } }, saying(`plan ${name}`))));
  }
  await onceOnly(createDefault((what) => createProject({ dispatcher, aggregates }, 'default', saying(what))));
}

/** A start that was killed between the name and the project may have lost the name after a minute, and that project for good: then it is made as another one. */
async function createDefault(create: (what: string) => Promise<unknown>): Promise<void> {
  for (let time = 1; ; time += 1) {
    try {
      await create(time === 1 ? 'project default' : `project default ${time}`);
      return;
    } catch (error) {
      if (!(error instanceof Rejection && error.code === 'reservation.voided')) throw error;
    }
  }
}

/** An operator has deleted or renamed what the first start made, or made one of that name before: it stays so. */
async function onceOnly(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (!(error instanceof Rejection && error.kind === 'conflict')) throw error;
  }
}
