import { Terminal, Transient } from '#contracts';
import { Rejection } from '#domain';
import { problem, problemOf } from './http-errors.ts';

describe('problems', () => {
  it('answers a rejection with its code, its detail and its facts as the API spells them', () => {
    expect(problemOf(new Rejection('conflict', 'project.in_use', 'delete what is in it first', { usedBy: [{ dockerServiceId: 'svc_a' }], revision: 7n }))).toEqual({
      type: 'urn:waybill:error:project.in_use',
      title: 'The present state forbids it',
      status: 409,
      detail: 'delete what is in it first',
      code: 'project.in_use',
      facts: { used_by: [{ docker_service_id: 'svc_a' }], revision: '7' },
    });
  });

  it('lists every violation with its pointer', () => {
    const violations = [{ pointer: '/ports/0/host_port', code: 'out_of_range', message: 'must be 1 to 65535' }];
    const problem = problemOf(new Rejection('invalid', 'docker_service.invalid', 'see errors', { violations }));
    expect(problem).toMatchObject({ status: 422, errors: [{ pointer: '/ports/0/host_port', code: 'out_of_range', detail: 'must be 1 to 65535' }] });
    expect(problem).not.toHaveProperty('facts');
  });

  it('points at the one field that a rejection names', () => {
    const problem = problemOf(new Rejection('not_found', 'environment.not_found', 'create it first', { pointer: '/environment_id' }));
    expect(problem.errors).toEqual([{ pointer: '/environment_id', code: 'environment.not_found', detail: 'create it first' }]);
  });

  it.each([
    [new Rejection('forbidden', 'node.other_key', 'd'), 403, 'node.other_key'],
    [new Rejection('quota_exceeded', 'project.quota', 'd'), 409, 'project.quota'],
    [new Transient('event_store.busy', 'd'), 503, 'event_store.busy'],
    [new Terminal('image.broken', 'user', 'd'), 422, 'image.broken'],
    [new Terminal('disk.broken', 'system', 'd'), 500, 'disk.broken'],
  ])('answers %p with %d %s', (error, status, code) => {
    expect(problemOf(error)).toMatchObject({ status, code });
  });

  it('tells nothing of what is a bug', () => {
    for (const bug of [new Error('password=hunter2'), 'password=hunter2', null]) {
      const problem = problemOf(bug);
      expect(problem).toMatchObject({ status: 500, code: 'internal' });
      expect(JSON.stringify(problem)).not.toContain('hunter2');
    }
  });

  it('lets an edge say its own', () => {
    expect(problem(412, 'request.precondition_failed', 'read it again', { errors: [], facts: { revision: '2' } })).toEqual({
      type: 'urn:waybill:error:request.precondition_failed',
      title: 'It was changed meanwhile',
      status: 412,
      detail: 'read it again',
      code: 'request.precondition_failed',
      facts: { revision: '2' },
    });
  });
});
