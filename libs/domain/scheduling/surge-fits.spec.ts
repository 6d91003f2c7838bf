import type { NodeId } from '../kernel/ids.ts';
import { initial } from '../node/node.ts';
import type { NodeForPlacement } from './candidate.ts';
import { surgeRefusal } from './surge-fits.ts';

const amount = { cpuMillis: 100, memoryBytes: 1024 };
const node = (name: string): NodeForPlacement => ({
  nodeId: `node_${name}` as NodeId,
  node: { ...initial, status: 'registered', reachable: true, facts: { name, address: '10.0.0.1', architecture: 'amd64', engineVersion: '24', capacity: { cpuMillis: 4000, memoryBytes: 1 << 30 }, labels: {} } },
});
const demand = (hostPort: number | null) => ({ projectId: 'prj_1' as const, request: amount, ports: [{ containerPort: 80, protocol: 'tcp' as const, hostPort }], constraints: [] });
const rolling = (maxSurge: number | string | null) => ({ strategy: 'rolling', maxSurge, maxUnavailable: null }) as const;

describe('a surge with a host port', () => {
  it('needs a node for each replica above the wanted number, and says the way out', () =>
    expect(surgeRefusal(rolling(1), 1, demand(8080), [node('a')])).toEqual({
      code: 'surge_does_not_fit',
      message: 'a host port is published once on a node: 1 replicas and a surge of 1 need 2 nodes, 1 node fits (a); set max_surge to 0 and max_unavailable to 1 or more, or give up the host port',
    }));

  it('fits where there are nodes enough', () => expect(surgeRefusal(rolling(1), 1, demand(8080), [node('a'), node('b')])).toBeNull());

  it('is no matter where none was asked for, where all is recreated, without a host port, and while no node is known', () => {
    expect(surgeRefusal(rolling(null), 1, demand(8080), [node('a')])).toBeNull();
    expect(surgeRefusal({ ...rolling(1), strategy: 'recreate' }, 1, demand(8080), [node('a')])).toBeNull();
    expect(surgeRefusal(rolling(1), 1, demand(null), [node('a')])).toBeNull();
    expect(surgeRefusal(rolling(1), 1, demand(8080), [])).toBeNull();
    expect(surgeRefusal(rolling(1), 0, demand(8080), [node('a')])).toBeNull();
  });
});
