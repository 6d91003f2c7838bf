import { Client, isAnswered } from './client.ts';
import { bringAbout, endAll } from './faults.ts';
import type { Weakness } from './guards.ts';
import { endSchedules } from './job-moves.ts';
import { dependantsLeft } from './laws/dependency-laws.ts';
import { unrest, wrongAnswers, wrongViews } from './laws/rest.ts';
import { valuesLeft } from './laws/value-laws.ts';
import { MOVES } from './moves.ts';
import { liftQuotas } from './quota-moves.ts';
import { scriptOf, type Deed, type ScriptedStep, type Verb } from './script.ts';
import { World, type Breach } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly steps: number;
  readonly weakness?: Weakness;
  /** Steps of the script that are left out. */
  readonly without?: ReadonlySet<number>;
  readonly tell?: (line: string) => void;
}

export interface RunOutcome {
  readonly seed: number;
  readonly steps: number;
  /** Null: every law held. */
  readonly breach: Breach | null;
  /** The step at which it broke; as many as there are: at rest. */
  readonly brokeAt: number;
  /** The same for the same seed and steps. */
  readonly trace: string;
  readonly events: number;
  readonly virtualMs: number;
  /** How often each deed of the script came to something. */
  readonly cameTo: Partial<Record<Deed, number>>;
}

/** How long the house may take to come to rest: longer than every deadline in it, and two of the longest one after the other. */
const REST_MS = 80 * 60_000;

/** Until then the house comes to rest within its quotas, but for those who had no room to follow what they follow. */
const LIFTED_AFTER_TURNS = 12;

/** One run: the script of the seed, then peace, then rest. */
export async function run({ seed, steps, weakness = 'none', without, tell }: RunOptions): Promise<RunOutcome> {
  const world = new World({ seed, weakness, tell: tell ?? null });
  const client = new Client(world);
  for (const part of world.parts) world.start(part);
  client.begin();
  await world.timeline.pass(1_000);

  const script = scriptOf(seed, steps);
  let step = 0;
  for (; step < steps && !world.breach; step += 1) {
    await world.timeline.pass(script[step]!.afterMs);
    if (world.breach || without?.has(step)) continue;
    world.tell(() => `step ${step}: ${script[step]!.deed}`);
    await take(world, client, script[step]!);
  }
  if (!world.breach) await comeToRest(world, client);
  return { seed, steps, breach: world.breach, brokeAt: step, trace: world.timeline.trace, events: world.shelf.log.length, virtualMs: world.timeline.now, cameTo: world.cameTo };
}

async function take(world: World, client: Client, step: ScriptedStep): Promise<void> {
  const verb = VERBS[step.deed as Verb];
  if (!verb) return bringAbout(world, client, step);
  client.doing = step.deed as Verb;
  verb(client, step.lots, world);
  client.doing = null;
}

const VERBS: Readonly<Record<Verb, (client: Client, lots: readonly number[], world: World) => void>> = {
  create: (client, lots) => client.createService(lots),
  scale: (client, lots) => client.scale(lots),
  delete: (client, lots) => client.deleteService(lots),
  read: (client, lots) => client.read(lots),
  drain: (client, lots, world) => toSomeNode(client, lots, world, 'DrainNode'),
  activate: (client, lots, world) => toSomeNode(client, lots, world, 'ActivateNode'),
  ...MOVES,
};

function toSomeNode(client: Client, lots: readonly number[], world: World, type: 'DrainNode' | 'ActivateNode'): void {
  const nodeIds = [...world.nodeIds.values()];
  const nodeId = nodeIds[Math.floor(lots[0]! * nodeIds.length)];
  if (nodeId) client.toNode(nodeId, { type, data: {} });
}

/** Nothing goes wrong any more, and an operator does what only an operator can: then the house has to come to what it was asked for. */
async function comeToRest(world: World, client: Client): Promise<void> {
  world.tell(() => 'all faults end');
  endAll(world);
  const until = world.timeline.now + REST_MS;
  let left: string[] = ['not looked at yet'];
  for (let turn = 0; left.length > 0 && world.timeline.now < until && !world.breach; turn += 1) {
    await world.timeline.pass(turn < 12 ? 5_000 : 30_000);
    endAll(world);
    await operate(world, client);
    if (turn >= LIFTED_AFTER_TURNS && client.pending === 0) liftQuotas(client);
    left = client.pending > 0 ? ['commands are on their way'] : [...unrest(world), ...(await valuesLeft(world)), ...(await dependantsLeft(world))];
  }
  if (world.breach) return;
  for (const word of left) world.accuse('what is wanted comes to be', word);
  countCommands(world, client);
  if (world.breach) return;
  for (const word of await wrongViews(world)) world.accuse('views are what the log says', word);
  for (const word of await wrongAnswers(world)) world.accuse('no answer claims more than the runtime shows', word);
}

function countCommands(world: World, client: Client): void {
  for (const { commandId, type, times, what, unanswered } of client.acknowledged) {
    const stands = world.ledger.effects.get(`${commandId}|${type}`) ?? 0;
    if (!isAnswered({ times, unanswered }, stands)) world.accuse('an acknowledged command stands in the log once', `"${what}" stands ${stands} times, and ${times} were acknowledged`);
  }
}

/** Ends what would go on for ever, puts back some of the volumes that are lost, lets nodes change over to a restored log, gives up those that have no host any more, and brings back the hosts of removed ones. */
async function operate(world: World, client: Client): Promise<void> {
  if (client.pending > 0) return;
  endSchedules(client, [...world.ledger.schedules].flatMap(([id, { status }]) => (status === 'present' ? [id] : [])));
  await putBackSome(world);
  const here = new Map([...world.nodeIds].map(([host, nodeId]) => [nodeId, host]));
  for (const [nodeId, node] of world.ledger.nodes) {
    const host = here.get(nodeId);
    const refuses = [...world.gateways.values()].some(({ heard }) => heard.refusing(nodeId) !== null);
    if (host && node.status === 'removed') {
      await world.loseDisk(host, false);
      world.start(world.agentOf(host));
    } else if (!host && node.status === 'registered') client.toNode(nodeId, { type: 'RemoveNode', data: {} });
    else if (refuses && node.status === 'registered') client.toNode(nodeId, { type: 'AdoptNode', data: {} });
  }
}

/** Of half of what is lost somebody has a copy; the rest is known as lost for good. */
async function putBackSome({ ledger, nodeIds }: World): Promise<void> {
  const hosts = new Map([...nodeIds].map(([host, nodeId]) => [nodeId, host]));
  for (const [id, volume] of ledger.volumes) {
    const host = volume.status === 'present' && volume.binding?.lost ? hosts.get(volume.binding.nodeId) : undefined;
    if (host && volume.status === 'present' && volume.lifecycle === 'ACTIVE' && !host.keeps(volume) && hasCopy(id)) await host.putBack(volume);
  }
}

const hasCopy = (id: string): boolean => id.charCodeAt(id.length - 1) % 2 === 0;
