export * from './runtime.ts';
export * from './capabilities.ts';
export * from './container-config.ts';
export * from './digests.ts';
export * from './dockerode-runtime.ts';
export * from './host-config.ts';
export type { FileMount } from './mounts.ts';
export * from './names.ts';
