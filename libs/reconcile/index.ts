export * from './reconcile-times.ts';
export * from './work-queue.ts';
