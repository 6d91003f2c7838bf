import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, NatsContext, Payload, RpcException, Transport, ClientNats } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { openNats, type ClosableBus } from '#messaging';
import { systemClock } from '#platform';
import { MemoryLogger, startNats, type TestBroker } from '#testing';

const heard: unknown[] = [];

@Controller()
class ReportsController {
  @MessagePattern('waybill.node.*.report')
  async report(@Payload() payload: { replicas: unknown[] }, @Ctx() context: NatsContext): Promise<object> {
    return { taken: true, replicas: payload.replicas.length, subject: context.getSubject() };
  }

  @MessagePattern('waybill.node.*.register')
  register(): never {
    throw new RpcException('not today');
  }

  @EventPattern('waybill.node.*.heartbeat')
  heartbeat(@Payload() payload: unknown): void {
    heard.push(payload);
  }
}

@Module({ controllers: [ReportsController] })
class ReportsModule {}

/** Apps host their request handlers by Nest's NATS transport; agents and schedulers talk to them by `Bus`. */
describe('the bus and Nest’s NATS transport', () => {
  let server: TestBroker;
  let bus: ClosableBus;
  /** In the order of their making: a set-up that fails half-way is taken down as far as it came. */
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    server = await startNats();
    ends.push(() => server.stop());
    const microservice = await NestFactory.createMicroservice(ReportsModule, { transport: Transport.NATS, options: { servers: [server.url], queue: 'monitors' }, logger: false });
    ends.push(() => microservice.close());
    await microservice.listen();
    bus = openNats({ url: server.url, name: 'contract', logger: new MemoryLogger(), clock: systemClock });
    ends.push(() => bus.close());
    await new Promise<void>((resolve) => bus.onConnect(resolve));
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  it('lets a controller answer a request of the bus', async () => {
    const reply = await bus.request('waybill.node.n1.report', { replicas: [1, 2] }, 2_000);
    expect(reply).toEqual({ taken: true, replicas: 2, subject: 'waybill.node.n1.report' });
  });

  it('passes a controller’s failure on as passing trouble', async () => {
    await expect(bus.request('waybill.node.n1.register', {}, 2_000)).rejects.toMatchObject({ code: 'bus.remote_error', message: expect.stringContaining('not today') });
  });

  it('lets a controller hear a message of the bus', async () => {
    bus.publish('waybill.node.n1.heartbeat', { beat: 1 });
    await bus.request('waybill.node.n1.report', { replicas: [] }, 2_000);
    expect(heard).toEqual([{ beat: 1 }]);
  });

  it('answers a Nest client as a controller would', async () => {
    bus.subscribe<{ tail: number }>('waybill.agent.n1.logs', ({ tail }) => ({ lines: Array.from({ length: tail }, (_, n) => n) }));
    await bus.request('t.flush', {}, 1_000).catch(() => undefined);
    const client = new ClientNats({ servers: [server.url] });
    ends.push(async () => client.close());
    await client.connect();
    expect(await firstValueFrom(client.send('waybill.agent.n1.logs', { tail: 3 }))).toEqual({ lines: [0, 1, 2] });
  });
});
