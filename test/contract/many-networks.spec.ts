import { openDockerRuntime } from '#docker';
import { MemoryLogger, startEngine, type TestEngine } from '#testing';

/** As many environments as an installation with two hundred of them has; the engine's own pools end at about thirty. */
const MANY = 200;

describe('an engine with two hundred networks', () => {
  let engine: TestEngine;
  beforeAll(async () => void (engine = await startEngine()), 120_000);
  afterAll(() => engine?.stop(), 120_000);

  it('has them all, each with the subnet that the platform gave it, and has none left when they are removed', async () => {
    const runtime = openDockerRuntime({ host: engine.host, installation: 'mine', logger: new MemoryLogger() });
    const plans = Array.from({ length: MANY }, (_, index) => ({
      name: `wb-mine-net_${index}`, networkId: `net_${index}`, subnet: `10.192.${index}.0/24`,
    }));
    const before = performance.now();
    for (const plan of plans) await runtime.ensureNetwork(plan);
    const made = performance.now();
    const there = await engine.docker('network', 'inspect', '--format', '{{.Name}} {{(index .IPAM.Config 0).Subnet}}', ...plans.map(({ name }) => name));
    expect(there.trim().split('\n')).toEqual(plans.map(({ name, subnet }) => `${name} ${subnet}`));
    for (const { name } of plans) await runtime.removeNetwork(name);
    process.stdout.write(`${MANY} networks: made in ${Math.round(made - before)} ms, looked at and removed in ${Math.round(performance.now() - made)} ms\n`);
    expect(await runtime.listNetworks()).toEqual([]);
  }, 600_000);
});
