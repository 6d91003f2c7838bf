import { toEngineError } from './engine-errors.ts';

/** As the client builds them from the engine's answer. */
const answer = (statusCode: number, message: string): Error => Object.assign(new Error(`(HTTP code ${statusCode}) - ${message} `), { statusCode, json: { message } });
const system = (code: string, message: string): Error => Object.assign(new Error(message), { code });

it.each([
  [answer(404, "pull access denied for nope/nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"), 'image_pull_denied', false],
  [answer(404, 'manifest for 127.0.0.1:5000/x:nope not found: manifest unknown: manifest unknown'), 'image_not_found', false],
  [answer(500, 'Get "http://127.0.0.1:5000/v2/x/manifests/1": no basic auth credentials'), 'image_pull_denied', false],
  [new Error('manifest unknown: manifest unknown'), 'image_not_found', false],
  [answer(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'), 'registry_unreachable', true],
  [answer(500, 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'), 'registry_unreachable', true],
  [answer(500, 'toomanyrequests: You have reached your pull rate limit.'), 'registry_unreachable', true],
  [answer(404, 'no matching manifest for linux/arm64 in the manifest list entries'), 'image_architecture', false],
  [answer(404, 'No such image: gone:1'), 'image_not_found', true],
  [answer(500, 'driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:8080 failed: port is already allocated'), 'host_port_taken', true],
  [answer(500, 'driver failed programming external connectivity on endpoint x: Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use'), 'host_port_taken', true],
  [answer(403, 'Pool overlaps with other one on this address space'), 'subnet_taken', true],
  [answer(403, 'error while removing network: network wb-net id 4f5a has active endpoints'), 'engine_failed', true],
  [answer(400, 'OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown'), 'invalid_config', false],
  [answer(400, 'invalid mount config for type "bind": bind source path does not exist: /run/waybill/a/rep_a/secrets'), 'value_refused', false],
  [answer(404, 'No such container: abc'), 'not_found', true],
  [answer(409, 'Conflict. The container name "/x" is already in use by container "y"'), 'engine_failed', true],
  [answer(500, `task ${'4f'.repeat(32)}: already exists`), 'start_lost', false],
  [answer(500, 'id already in use'), 'start_lost', false],
  [answer(409, 'container is marked for removal and cannot be started'), 'start_lost', false],
  [answer(500, 'something new'), 'engine_failed', true],
  [system('ENOENT', 'connect ENOENT /var/run/docker.sock'), 'engine_unreachable', true],
  [system('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:2375'), 'engine_unreachable', true],
  [new Error('socket hang up'), 'engine_unreachable', true],
  [new DOMException('The operation was aborted due to timeout', 'TimeoutError'), 'engine_unreachable', true],
])('sorts "%s"', (error, code, transient) => {
  expect(toEngineError(error)).toMatchObject({ code, transient, cause: error });
});

it("keeps the engine's own words", () => {
  expect(toEngineError(answer(500, 'something new')).message).toBe('something new');
});
