import { expositionOf } from './exposition.ts';

describe('figures as Prometheus text', () => {
  it('have their help and type once, and a line for each sample', () => {
    const text = expositionOf([
      { name: 'a_total', type: 'counter', help: 'What a\ncounts.', samples: [{ labels: {}, value: 3 }, { labels: { name: 'quoted "x" \\ \n' }, value: 0.5 }] },
      { name: 'b_seconds', type: 'histogram', help: 'B.', samples: [{ labels: { le: '+Inf' }, value: 2, suffix: '_bucket' }, { labels: {}, value: 2, suffix: '_count' }] },
    ]);
    expect(text).toBe(
      [
        '# HELP a_total What a\\ncounts.', '# TYPE a_total counter', 'a_total 3', 'a_total{name="quoted \\"x\\" \\\\ \\n"} 0.5',
        '# HELP b_seconds B.', '# TYPE b_seconds histogram', 'b_seconds_bucket{le="+Inf"} 2', 'b_seconds_count 2', '',
      ].join('\n'),
    );
  });

  it('leave out what has no sample', () => expect(expositionOf([{ name: 'a', type: 'gauge', help: 'A.', samples: [] }])).toBe(''));
});
