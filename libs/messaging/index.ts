export { connectNats, openNats, type ClosableBus, type NatsOptions } from './nats-bus.ts';
export * from './set-chunks.ts';
