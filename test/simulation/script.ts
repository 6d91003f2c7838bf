import { seededRandom } from '#testing';

/** One thing that is done to the house, after a pause. Everything about it is in it: left out, the others stay as they are. */
export interface ScriptedStep {
  readonly afterMs: number;
  readonly deed: Deed;
  /** What it chooses by. */
  readonly lots: readonly number[];
}

/** What clients do, with how often. */
const VERBS = {
  create: 5, scale: 7, delete: 3, job: 4, cancel_job: 1.5, rerun: 1, schedule: 0.5, pause_schedule: 0.3, resume_schedule: 0.3, delete_schedule: 0.3, drain: 1, activate: 2, read: 10,
  deploy: 5, patch: 3, roll_back: 2, restart: 2, cancel: 2, pause: 1.5, resume: 2, stop: 1, start: 2.5,
  mount: 1.5, unmount: 0.7, make_volume: 0.5, delete_volume: 1.5, keep: 2, rotate: 2, forget: 0.7,
  quota: 1.5, grow: 1,
  make_resource: 1, move_resource: 1.5, delete_resource: 0.7, depend: 3, undepend: 0.7, listen: 1.5,
  make_network: 0.6, delete_network: 0.8, join: 1.2, make_environment: 0.6, delete_environment: 0.8, make_project: 0.3, delete_project: 0.4,
} as const;

/** What goes wrong. */
const FAULTS = {
  crash: 5, freeze: 4, freeze_amid: 4, cut: 3, storm: 3, store_troubles: 3, store_down: 1, kill_container: 4, stop_container: 2, remove_container: 3, fall_ill: 2, engine_down: 2, power_cut: 1, crash_agent: 3, lose_disk: 1, lose_identity: 0.2, restore: 0.6,
  take_port: 0.5, take_subnet: 0.5, forget_replica: 1, remove_node: 0.3, values_down: 1, rotate_key: 0.7,
} as const;

export type Verb = keyof typeof VERBS;
export type Fault = keyof typeof FAULTS;
export type Deed = Verb | Fault;
export const DEEDS = [...Object.keys(VERBS), ...Object.keys(FAULTS)] as readonly Deed[];

const LOTS = 32;

/** The script of a seed: so many steps of clients' verbs and faults. Each seed has a temper of its own: some faults it doesn't know,
 *  others come often, so that all of them together don't hide what one of them alone brings to light. A script of more steps begins
 *  with the same ones. */
export function scriptOf(seed: number, steps: number): ScriptedStep[] {
  const random = seededRandom(seed ^ 0x5eed);
  const weights = tempered(random);
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const pace = 0.3 + random() * 1.2;
  return Array.from({ length: steps }, (_, index) => {
    const lots = Array.from({ length: LOTS }, random);
    let left = random() * total;
    const [deed] = weights.find(([, weight]) => (left -= weight) < 0) ?? weights[0]!;
    const afterMs = Math.round(pauseOf(random) * pace);
    // Something to go wrong has to be there first.
    return { afterMs, deed: index < 3 ? 'create' : deed, lots };
  });
}

/** Mostly a moment, at times long enough for what waits on a deadline. */
function pauseOf(random: () => number): number {
  const kind = random();
  if (kind < 0.6) return 10 + random() * 300;
  if (kind < 0.95) return 300 + random() * 2_000;
  return 2_000 + random() * 20_000;
}

function tempered(random: () => number): readonly (readonly [Deed, number])[] {
  const faults = Object.entries(FAULTS) as [Fault, number][];
  const known = faults.map(([fault, weight]) => [fault, random() < 0.4 ? 0 : weight * (0.3 + random() * 1.7)] as const);
  return [...(Object.entries(VERBS) as [Verb, number][]), ...known];
}
