import { ApiDocument } from './api-document.ts';

const thing = { type: 'object', properties: { name: { type: 'string' }, at: { type: 'string', format: 'date-time' } }, required: ['name'], additionalProperties: false };
const event = { type: 'object', properties: { data: { type: 'string', contentSchema: thing } }, required: ['data'] };
const answered = (content: object, headers = {}) => ({ 200: { content, headers }, default: { content: { 'application/problem+json': { schema: { type: 'object', required: ['code'] } } } } });
const api = new ApiDocument({
  paths: {
    '/v1/things/{thing_id}': { get: { responses: answered({ 'application/json': { schema: thing } }, { ETag: { required: true, schema: { pattern: '^"[0-9]+"$' } } }) } },
    '/v1/stream': { get: { responses: answered({ 'application/x-ndjson': { schema: thing }, 'text/event-stream': { schema: event } }) } },
  },
});

const told = (path: string, text: string, { status = 200, ...headers }: Record<string, string | number> = {}): string => {
  const sent = { status: Number(status), text, headers: new Headers(Object.entries({ 'content-type': 'application/json', ...headers }).map(([name, value]): [string, string] => [name, String(value)])) };
  try {
    api.check('GET', path, sent);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('an answer', () => {
  const etag = { etag: '"1"' };

  it('that is as the description says is let pass', () => {
    expect(told('/v1/things/x?at=now', '{"name":"x","at":"2026-11-23T12:00:00.000Z"}', etag)).toBe('');
    expect(told('/v1/things/x', '{"code":"gone"}', { status: 404, 'content-type': 'application/problem+json; charset=utf-8' })).toBe('');
    expect(told('/v1/stream', '{"name":"x"}\n{"name":"y"}\n', { 'content-type': 'application/x-ndjson' })).toBe('');
    expect(told('/v1/stream', ': connected\n\nid: 1\ndata: {"name":"x"}\n\n', { 'content-type': 'text/event-stream' })).toBe('');
  });

  it.each<[string, string, string, Record<string, string | number>, RegExp]>([
    ['a field that is lacking', '/v1/things/x', '{}', etag, /GET \/v1\/things\/\{thing_id\} answered 200[^]*\/: must have required property 'name'/],
    ['a field that nobody described', '/v1/things/x', '{"name":"x","more":1}', etag, /"additionalProperty":"more"/],
    ['a format', '/v1/things/x', '{"name":"x","at":"yesterday"}', etag, /\/at: must match format/],
    ['a status', '/v1/things/x', '{"name":"x"}', { ...etag, status: 201 }, /status: 201/],
    ['a content type', '/v1/things/x', '<html>', { ...etag, 'content-type': 'text/html' }, /content-type: text\/html/],
    ['a header that is lacking', '/v1/things/x', '{"name":"x"}', {}, /ETag: is lacking/],
    ['a header', '/v1/things/x', '{"name":"x"}', { etag: 'W/1' }, /ETag: W\/1/],
    ['a problem', '/v1/things/x', '{}', { status: 500, 'content-type': 'application/problem+json' }, /answered 500[^]*'code'/],
    ['one line', '/v1/stream', '{"name":"x"}\n{"nam":"y"}\n', { 'content-type': 'application/x-ndjson' }, /'name'/],
    ['what is in an event', '/v1/stream', 'data: {"name":1}\n\n', { 'content-type': 'text/event-stream' }, /\/name: must be string/],
    ['a path that isn’t there', '/v1/nothing', '{"name":"x"}', {}, /status: 200/],
  ])('that is another in %s is named with where', (_, path, text, head, flaw) => expect(told(path, text, head)).toMatch(flaw));
});
