import fc from 'fast-check';
import { afterProbe, probeEveryMs, type Standing, standingOf, UNPROBED } from './thresholds.ts';

const check = { healthyThreshold: 2, unhealthyThreshold: 3 };
const play = (answers: readonly boolean[], thresholds = check, from: Standing = UNPROBED): Standing[] => {
  const seen = [from];
  for (const answer of answers) seen.push(afterProbe(seen.at(-1)!, answer, thresholds));
  return seen;
};
const healths = (answers: readonly boolean[], from?: Standing) => play(answers, check, from).slice(1).map(({ health }) => health);
const [yes, no] = [true, false];

describe('a run with a check', () => {
  it('is healthy after as many successes in a row as are asked for', () => expect(healths([yes, no, yes, yes])).toEqual(['starting', 'starting', 'starting', 'healthy']));

  it('isn’t called unhealthy before its first success, however long that takes', () => expect(new Set(healths(Array<boolean>(100).fill(no)))).toEqual(new Set(['starting'])));

  it('is unhealthy after as many failures in a row as are allowed, once it had a success', () =>
    expect(healths([no, yes, no, no, no])).toEqual(['starting', 'starting', 'starting', 'starting', 'unhealthy']));

  it('comes back as it came up', () => expect(healths([yes, yes, no, no, no, yes, yes]).slice(3)).toEqual(['healthy', 'unhealthy', 'unhealthy', 'healthy']));

  it('goes on as what it counted as where the counts are lost', () => {
    expect(healths([no, no], standingOf('healthy'))).toEqual(['healthy', 'healthy']);
    expect(healths([no, no, no], standingOf('healthy')).at(-1)).toBe('unhealthy');
    expect(standingOf('unknown')).toEqual(UNPROBED);
  });

  it('is asked every second, or as often as it wishes if that is more, until its first success', () => {
    expect([200, 1_000, 10_000].map((intervalMs) => probeEveryMs(UNPROBED, { intervalMs }))).toEqual([200, 1_000, 1_000]);
    expect(probeEveryMs(afterProbe(UNPROBED, yes, check), { intervalMs: 10_000 })).toBe(10_000);
  });
});

describe('whatever the probes say', () => {
  const thresholds = fc.record({ healthyThreshold: fc.integer({ min: 1, max: 5 }), unhealthyThreshold: fc.integer({ min: 1, max: 5 }) });
  const answers = fc.array(fc.boolean(), { maxLength: 60 });

  it('health changes only with a whole row of answers of its kind behind it', () =>
    fc.assert(
      fc.property(thresholds, answers, (limits, said) => {
        const seen = play(said, limits);
        seen.slice(1).forEach(({ health }, i) => {
          if (health === seen[i]!.health) return;
          const needed = health === 'healthy' ? limits.healthyThreshold : limits.unhealthyThreshold;
          expect(said.slice(0, i + 1).slice(-needed)).toEqual(Array<boolean>(needed).fill(health === 'healthy'));
        });
      }),
    ));

  it('a whole row of answers decides, and there is no way back to starting', () =>
    fc.assert(
      fc.property(thresholds, answers, (limits, said) => {
        const before = play(said, limits).at(-1)!;
        expect(play(Array<boolean>(limits.healthyThreshold).fill(yes), limits, before).at(-1)!.health).toBe('healthy');
        const after = play(Array<boolean>(limits.unhealthyThreshold).fill(no), limits, before).at(-1)!.health;
        expect(after).toBe(said.includes(yes) ? 'unhealthy' : 'starting');
      }),
    ));

  it('the answers before the first success leave no trace', () =>
    fc.assert(fc.property(thresholds, fc.nat({ max: 50 }), answers, (limits, failures, said) => expect(play([...Array<boolean>(failures).fill(no), ...said], limits).at(-1)).toEqual(play(said, limits).at(-1)))));
});
