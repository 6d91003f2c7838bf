export * from './clock.ts';
export * from './config.ts';
export * from './health.ts';
export * from './ids.ts';
export * from './logger.ts';
export * from './random.ts';
export * from './shutdown.ts';
