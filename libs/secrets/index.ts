export * from './key-file.ts';
export * from './nkey.ts';
export * from './open.ts';
export * from './rotate.ts';
export * from './seal.ts';
export * from './vault.ts';
export type * from './port.ts';
