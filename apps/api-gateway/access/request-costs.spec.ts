import * as fc from 'fast-check';
import { costOf, heldOf, type Asked } from './request-costs.ts';

const get = (route: string, query: Asked['query'] = {}, accept?: string): number => costOf({ method: 'GET', route, query, accept });

describe('what a request costs', () => {
  it.each<[string, number, number]>([
    ['the read of one thing', get('/v1/docker-services/:docker_service_id'), 1],
    ['what has no route', costOf({ method: 'GET', route: undefined, query: {}, accept: undefined }), 1],
    ['a page as it comes', get('/v1/docker-services'), 10],
    ['a page of ten', get('/v1/projects/:project_id/members', { limit: '10' }), 2],
    ['a page of a hundred', get('/v1/jobs', { limit: '100' }), 20],
    ['a page of the audit', get('/v1/audit', { limit: '100' }), 40],
    ['a page that will be refused', get('/v1/jobs', { limit: 'many' }), 10],
    ['a thing of the past', get('/v1/docker-services/:docker_service_id', { at: '2026-11-23T12:00:00Z' }), 20],
    ['a list of the past', get('/v1/docker-services', { at: '2026-11-23T12:00:00Z', limit: '10' }), 200],
    ['the difference between two instants', get('/v1/audit/diff'), 40],
    ['all of the audit', get('/v1/audit/export'), 100],
    ['the events of all', get('/v1/events', {}, 'text/event-stream'), 100],
    ['a look at the whole chain', get('/v1/audit/verify'), 200],
    ['why', get('/v1/docker-services/:docker_service_id/explain', { limit: '500' }), 5],
    ['what agents are asked for', get('/v1/projects/:project_id/quota'), 5],
    ['output that is followed', get('/v1/jobs/:job_id/logs', { follow: 'true' }), 10],
    ['output by the megabyte', get('/v1/docker-services/:docker_service_id/logs', { tail: 'all' }), 50],
    ['all output of a day', get('/v1/docker-services/:docker_service_id/logs', { since: '2026-11-23T12:00:00Z' }), 50],
    ['the end of it', get('/v1/docker-services/:docker_service_id/logs', { tail: '20', since: '2026-11-23T12:00:00Z' }), 5],
    ['a stream of events', get('/v1/jobs/:job_id/events', {}, 'text/event-stream'), 10],
    ['a page that somebody would take as a stream', get('/v1/audit', { limit: '500' }, 'text/event-stream'), 200],
    ['a quota of the past', get('/v1/projects/:project_id/quota', { at: '2026-11-23T12:00:00Z' }), 20],
    ['a change', costOf({ method: 'POST', route: '/v1/docker-services/:docker_service_id/scale', query: {}, accept: undefined }), 5],
    ['a dry run', costOf({ method: 'POST', route: '/v1/docker-services/:docker_service_id/preview', query: {}, accept: undefined }), 15],
  ])('is told for %s', (_, cost, expected) => expect(cost).toBe(expected));

  it('is under way as long as the request is, but for a stream that has caught up', () => {
    const held = (route: string, query: Asked['query'] = {}) => heldOf({ method: 'GET', route, query, accept: undefined }, get(route, query));
    expect([held('/v1/events'), held('/v1/jobs/:job_id/logs', { format: 'sse' }), held('/v1/audit/export'), held('/v1/projects/:project_id')]).toEqual([10, 10, 100, 1]);
  });

  it('is a whole number of at least one, whatever is asked', () =>
    fc.assert(
      fc.property(fc.constantFrom('GET', 'POST', 'HEAD', 'BREW'), fc.oneof(fc.webPath(), fc.constantFrom('/v1/audit', '/v1/docker-services')), fc.dictionary(fc.constantFrom('limit', 'at', 'follow'), fc.oneof(fc.string(), fc.array(fc.string()))), fc.string(), (method, route, query, accept) => {
        const cost = costOf({ method, route, query, accept });
        expect(Number.isInteger(cost) && cost >= 1 && cost <= 10_000).toBe(true);
      }),
    ));
});
