export * from './port.ts';
export * from './event-id.ts';
export * from './follow.ts';
export * from './follow-log.ts';
export * from './handle-command.ts';
export * from './hints.ts';
export * from './open.ts';
export { DuplicateEvent } from './sqlite-append.ts';
export * from './sqlite.ts';
