export * from './busy.ts';
export * from './private-file.ts';
