import { Rejection } from '#domain';

/** What another project's job is answered like, too. */
export const jobNotFound = () => new Rejection('not_found', 'job.not_found', 'there is no such job: GET /v1/jobs lists those within reach');
