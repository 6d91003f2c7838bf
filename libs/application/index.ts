export * from './aggregate-command.ts';
export * from './application.module.ts';
export * from './create-docker-service.ts';
export * from './create-job.ts';
export * from './create-project.ts';
export * from './schedules.ts';
export { Dispatcher } from './dispatcher.ts';
export { dispatcherOn } from './handlers.ts';
export * from './change-docker-service.ts';
