import type { NodeId } from '#domain';
import { RecentFailures } from './recent-failures.ts';

const T0 = 1_000_000_000;
const failed = (nodeId: NodeId, more = {}) => ({ ownerId: 'svc_1', release: 1, nodeId, isFinal: false, ...more });

describe('nodes where a release failed', () => {
  it('rank last from the fifth time in five minutes', () => {
    const failures = new RecentFailures();
    for (let time = 0; time < 4; time += 1) failures.take(failed('node_1'), T0 + time * 60_000);
    expect(failures.troubledOn('svc_1', 1, T0 + 240_000)).toEqual([]);
    failures.take(failed('node_1'), T0 + 240_000);
    expect(failures.troubledOn('svc_1', 1, T0 + 240_000)).toEqual(['node_1']);
    expect(failures.troubledOn('svc_1', 1, T0 + 300_000)).toEqual([]);
  });

  it('rank last at once where it was given up, for that release and that service', () => {
    const failures = new RecentFailures();
    failures.take(failed('node_1', { isFinal: true }), T0);
    expect(failures.troubledOn('svc_1', 1, T0 + 1)).toEqual(['node_1']);
    expect(failures.troubledOn('svc_1', 2, T0 + 1)).toEqual([]);
    expect(failures.troubledOn('svc_2', 1, T0 + 1)).toEqual([]);
    failures.forget('svc_1');
    expect(failures.troubledOn('svc_1', 1, T0 + 1)).toEqual([]);
  });
});
