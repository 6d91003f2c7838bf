export { ImageHolders } from './image-holders.ts';
export { connectNats, openNats, type ClosableBus, type NatsOptions } from './nats-bus.ts';
export { readEvents, type ReadEvents } from './read-events.ts';
export * from './set-chunks.ts';
export { tellFigures } from './tell-figures.ts';
export * from './read-samples.ts';
