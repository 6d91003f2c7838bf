import { LABELS } from '#docker';
import { picker, type Client } from './client.ts';
import { Life } from './house/life.ts';
import { FAIR } from './house/network.ts';
import { SOUND } from './house/shelf.ts';
import type { Fault, ScriptedStep } from './script.ts';
import { volumesOf } from './laws/volume-laws.ts';
import type { Part, World } from './world.ts';

/** Brings a fault about, and its end, where it has one. */
export async function bringAbout(world: World, client: Client, { deed, lots }: ScriptedStep): Promise<void> {
  await FAULT_DEEDS[deed as Fault](new Saboteur(world, client, deed as Fault, lots));
}

/** Ends all faults at once: what was killed is started again, what is cut off comes back. */
export function endAll(world: World): void {
  for (const part of world.parts) {
    part.life?.thaw();
    world.cut.delete(part.name);
    world.network.reconnect(part.name);
  }
  Object.assign(world.network.weather, FAIR);
  Object.assign(world.shelf.troubles, SOUND);
  world.shelf.values.down = false;
  for (const host of world.hosts) {
    host.engine.comeUp();
    host.isIll = false;
  }
  for (const part of world.parts) world.start(part);
}

class Saboteur {
  readonly pick: ReturnType<typeof picker>;

  constructor(
    readonly world: World,
    readonly client: Client,
    private readonly fault: Fault,
    private readonly lots: readonly number[],
  ) {
    this.pick = picker(lots);
  }

  /** How long it lasts: seconds mostly, sometimes longer than any patience. */
  get forMs(): number {
    const [, , , , , , how, much] = this.lots;
    return how! < 0.5 ? much! * 2_000 : how! < 0.9 ? much! * 20_000 : much! * 120_000;
  }

  later(what: string, run: () => void): void {
    this.world.timeline.schedule(null, this.forMs, what, run);
  }

  /** It comes about. */
  say(line: string): void {
    this.world.comesAbout(this.fault);
    this.world.tell(() => `FAULT ${line}`);
  }

  part(...kinds: Part['kind'][]): Part {
    return this.pick(kinds.length > 0 ? this.world.partsOf(...kinds) : this.world.parts);
  }

  crash(part: Part): void {
    if (part.life) this.world.comesAbout(this.fault);
    this.world.crash(part);
    this.restartLater(part);
  }

  restartLater(part: Part): void {
    this.later(`restart ${part.name}`, () => this.world.start(part));
  }
}

const FAULT_DEEDS: Readonly<Record<Fault, (saboteur: Saboteur) => void | Promise<void>>> = {
  crash(saboteur) {
    saboteur.crash(saboteur.part('scheduler', 'gateway', 'job-runner', 'health-monitor'));
  },

  crash_agent(saboteur) {
    saboteur.crash(saboteur.part('agent'));
  },

  freeze(saboteur) {
    const { life, name } = saboteur.part();
    if (life?.state !== 'running') return;
    saboteur.say(`${name} stands still`);
    life.freeze();
    saboteur.later(`thaw ${name}`, () => life.thaw());
  },

  freeze_amid(saboteur) {
    const { life, name } = saboteur.part(saboteur.pick(['scheduler', 'gateway', 'gateway', 'job-runner', 'health-monitor'] as const));
    const forMs = saboteur.pick([5_000, 30_000, 120_000]);
    life?.setTrap(saboteur.pick([1, 2, 2, 3]), () => {
      if (life.state !== 'running') return;
      saboteur.say(`${name} stands still, about to append`);
      life.freeze();
      saboteur.world.timeline.schedule(null, forMs, `thaw ${name}`, () => life.thaw());
    });
  },

  cut(saboteur) {
    const { world } = saboteur;
    const { name } = saboteur.part();
    saboteur.say(`${name} is cut off`);
    world.cut.add(name);
    world.network.disconnect(name);
    saboteur.later(`${name} is back`, () => {
      world.cut.delete(name);
      world.network.reconnect(name);
    });
  },

  storm(saboteur) {
    const { weather } = saboteur.world.network;
    saboteur.say('messages are lost, doubled and late');
    Object.assign(weather, { lost: saboteur.pick([0, 0.05, 0.3]), doubled: saboteur.pick([0, 0.1, 0.5]), late: saboteur.pick([0, 0.2, 0.5]), longestMs: saboteur.pick([500, 8_000, 40_000]) });
    saboteur.later('the storm is over', () => Object.assign(weather, FAIR));
  },

  store_troubles(saboteur) {
    const { troubles } = saboteur.world.shelf;
    saboteur.say('appends are refused, and their answers lost');
    Object.assign(troubles, { refused: saboteur.pick([0, 0.1, 0.3]), unanswered: saboteur.pick([0.05, 0.2, 0.5]) });
    saboteur.later('the store is well', () => Object.assign(troubles, { refused: 0, unanswered: 0 }));
  },

  store_down(saboteur) {
    const { troubles } = saboteur.world.shelf;
    saboteur.say('the store is down');
    troubles.down = true;
    saboteur.later('the store is up', () => (troubles.down = false));
  },

  values_down(saboteur) {
    const { values } = saboteur.world.shelf;
    saboteur.say('the store of values is down');
    values.down = true;
    saboteur.later('the store of values is up', () => (values.down = false));
  },

  rotate_key(saboteur) {
    const { world } = saboteur;
    saboteur.say('the key of all values is rotated');
    // Where the store is away it is rotated all the same, and the next one makes good what is left.
    void world.shelf.values.rotate(new Life(world.timeline, 'operator')).catch(() => undefined);
  },

  kill_container(saboteur) {
    const running = saboteur.world.containers().filter(({ container }) => container.status === 'running');
    const chosen = saboteur.pick(running);
    if (!chosen) return;
    saboteur.say(`${chosen.replicaId} is killed`);
    chosen.host.engine.kill(chosen.container.name, { oomKilled: saboteur.pick([false, true]) });
  },

  stop_container(saboteur) {
    const chosen = saboteur.pick(saboteur.world.containers().filter(({ container }) => container.status === 'running'));
    if (!chosen) return;
    saboteur.say(`${chosen.replicaId} is stopped by somebody`);
    chosen.host.stopByHand(chosen.container);
  },

  fall_ill(saboteur) {
    const host = saboteur.pick(saboteur.world.hosts);
    saboteur.say(`nothing is well on ${host.name}`);
    host.isIll = true;
    saboteur.later(`${host.name} is well`, () => (host.isIll = false));
  },

  remove_container(saboteur) {
    const chosen = saboteur.pick(saboteur.world.containers());
    if (!chosen) return;
    saboteur.say(`${chosen.replicaId} is removed by somebody`);
    saboteur.world.disturb(chosen.host, chosen.replicaId);
    const mounted = volumesOf(chosen.host, chosen.container);
    chosen.host.engine.removeOutside(chosen.container.name);
    // Those who clear up like this take volumes along, too.
    if (saboteur.pick([false, false, false, true])) for (const volumeId of mounted) if (chosen.host.loseVolume(volumeId)) saboteur.say(`${volumeId} is removed with it`);
  },

  engine_down(saboteur) {
    const { engine, name } = saboteur.pick(saboteur.world.hosts);
    saboteur.say(`the engine of ${name} is away`);
    engine.goDown();
    saboteur.later(`the engine of ${name} is back`, () => engine.comeUp());
  },

  power_cut(saboteur) {
    const host = saboteur.pick(saboteur.world.hosts);
    const part = saboteur.world.agentOf(host);
    saboteur.say(`${host.name} loses power`);
    saboteur.world.crash(part);
    host.losePower();
    saboteur.restartLater(part);
  },

  lose_disk: (saboteur) => loseDisk(saboteur, true),
  lose_identity: (saboteur) => loseDisk(saboteur, false),

  async restore(saboteur) {
    const { world, client } = saboteur;
    const { log } = world.shelf;
    const length = Math.max(4, log.length - Math.floor(saboteur.pick([5, 20, 60, 150]) * saboteur.pick([0.3, 0.6, 1])));
    if (length >= log.length) return;
    saboteur.say(`the log is put back from ${log.length} events to ${length}`);
    await world.restore(length, { storeId: saboteur.pick([undefined, undefined, 'store_restored']), withLaterValues: saboteur.pick([false, true]) });
    client.forgetAfter(length);
    for (const part of world.parts) world.timeline.schedule(null, world.timeline.between(0, 3_000), `restart ${part.name}`, () => world.start(part));
  },

  take_port(saboteur) {
    const { engine, name } = saboteur.pick(saboteur.world.hosts);
    saboteur.say(`somebody listens on 8080 of ${name}`);
    engine.takePort('8080/tcp');
  },

  take_subnet(saboteur) {
    const { engine, name } = saboteur.pick(saboteur.world.hosts);
    const subnet = saboteur.pick(['10.192.0.0/24', '10.192.1.0/24']);
    saboteur.say(`somebody uses ${subnet} on ${name}`);
    engine.takeSubnet(subnet);
  },

  forget_replica(saboteur) {
    const { world } = saboteur;
    const held = world.containers().filter(({ host, replicaId }) => world.ledger.nodeOf(replicaId) !== null && !world.isGhost(host, replicaId));
    const chosen = saboteur.pick(held);
    if (!chosen) return;
    saboteur.say(`${chosen.replicaId} is gone, and its agent knows nothing of it any more`);
    world.amnesia.forgotten.add(chosen.container.labels[LABELS.replicaId]!);
    chosen.host.engine.removeOutside(chosen.container.name);
  },

  remove_node(saboteur) {
    const { world, client } = saboteur;
    const host = saboteur.pick(world.hosts);
    const nodeId = world.nodeIds.get(host);
    const { name } = world.agentOf(host);
    if (!nodeId || world.removedOnce) return;
    world.removedOnce = true;
    saboteur.say(`${host.name} is cut off, and given up for lost`);
    world.cut.add(name);
    world.network.disconnect(name);
    client.toNode(nodeId, { type: 'RemoveNode', data: {} });
    saboteur.later(`${name} is back`, () => {
      world.cut.delete(name);
      world.network.reconnect(name);
    });
  },
};

async function loseDisk(saboteur: Saboteur, keepsIdentity: boolean): Promise<void> {
  const host = saboteur.pick(saboteur.world.hosts);
  saboteur.say(`${host.name} loses the folder of its agent${keepsIdentity ? ', but for its key' : ''}`);
  await saboteur.world.loseDisk(host, keepsIdentity);
  saboteur.restartLater(saboteur.world.agentOf(host));
}
