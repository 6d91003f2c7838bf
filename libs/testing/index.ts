export * from './broker.ts';
export * from './engine.ts';
export * from './images.ts';
export * from './memory-bus.ts';
export * from './memory-event-store.ts';
export * from './memory-logger.ts';
export * from './random.ts';
export * from './virtual-clock.ts';
