import { given } from '../kernel/given.ts';
import type { PlanEvent } from './events.ts';
import { plan } from './plan.ts';

const amount = (memoryBytes: number) => ({ request: { cpuMillis: 250, memoryBytes }, limit: { cpuMillis: 250, memoryBytes } });
const small = amount(268_435_456);
const larger = amount(536_870_912);
const tiny = amount(1024);
const outOfRange = ['request', 'limit'].map((part) => ({
  pointer: `/resources/${part}/memory_bytes`,
  code: 'out_of_range',
  message: 'must be a whole number from 6291456 to 70368744177664',
}));
const defined: PlanEvent = { type: 'PlanDefined', data: { name: 'small', resources: small } };

describe('a plan', () => {
  it('is defined once', () => {
    given(plan, []).when({ type: 'DefinePlan', data: { name: 'small', resources: small } }).then([defined]);
    given(plan, [defined]).when({ type: 'DefinePlan', data: { name: 'small', resources: small } }).then([]);
  });

  it('is not defined anew with another size', () =>
    given(plan, [defined]).when({ type: 'DefinePlan', data: { name: 'small', resources: larger } }).rejects('plan.exists', { name: 'small' }));

  it('says from what to what it changes', () => {
    const changed: PlanEvent = { type: 'PlanChanged', data: { name: 'small', from: small, to: larger } };
    given(plan, [defined]).when({ type: 'ChangePlan', data: { resources: larger } }).then([changed]);
    given(plan, [defined, changed]).when({ type: 'ChangePlan', data: { resources: larger } }).then([]);
  });

  it('is not changed before it is defined', () => given(plan, []).when({ type: 'ChangePlan', data: { resources: small } }).rejects('plan.not_found'));

  it('bears a DNS label for a name', () => given(plan, []).when({ type: 'DefinePlan', data: { name: 'Small', resources: small } }).rejects('name.invalid', { name: 'Small' }));

  it('has a size that the engine takes', () => {
    given(plan, []).when({ type: 'DefinePlan', data: { name: 'tiny', resources: tiny } }).rejects('plan.invalid', { violations: outOfRange });
    given(plan, [defined]).when({ type: 'ChangePlan', data: { resources: tiny } }).rejects('plan.invalid', { violations: outOfRange });
  });
});
