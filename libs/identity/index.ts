export * from './open.ts';
export * from './passwords.ts';
export * from './sessions.ts';
export * from './sqlite.ts';
export * from './tokens.ts';
export type * from './port.ts';
