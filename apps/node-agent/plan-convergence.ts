import type { Assignment } from '#contracts';
import { lost, planGone, planHold } from './plan-end.ts';
import { planPreparation } from './plan-preparation.ts';
import { planRun } from './plan-run.ts';
import type { ReplicaMemory } from './replica-memory.ts';
import { isUp, REST, type Step, type Surroundings } from './step.ts';

/** Compares what is wanted with what is, for one replica, and names the next step towards it. Pure; taking the step that it
 *  names and asking again leads to rest, wherever it begins. */
export function planConvergence(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): Step {
  const { observed } = memory;
  if (observed?.state === 'GONE') return REST;
  if (around.container?.status === 'removing') return { do: 'rest', forMs: 500 };
  if (wanted.wanted === 'gone') return planGone(memory, around);
  if (around.container === null && memory.containerId !== null) return lost(memory);
  // It had left before that, and its agent has lost its folder since.
  if (around.successorBegan) return lost(memory);
  if (observed?.final) return isUp(around) ? { do: 'stop', remember: {} } : REST;
  if (wanted.wanted === 'hold') return planHold(memory, around);
  return around.container === null ? planPreparation(wanted, memory, around) : planRun(wanted, memory, around, around.container);
}
