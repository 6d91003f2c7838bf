export * from './agent.ts';
export * from './bus.ts';
export * from './event-reads.ts';
export * from './figures.ts';
export * from './output.ts';
export * from './ports.ts';
export * from './subjects.ts';
export * from './tenant.ts';
