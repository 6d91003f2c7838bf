import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** An image registry of a test's own, over plain HTTP. */
export interface TestRegistry {
  /** `198.18.0.1:41234`: what its images' names begin with. It has `present:1`, an image for amd64 with nothing in it; tells
   *  nobody what `private:1` is; and knows no other. */
  readonly host: string;
  stop(): Promise<void>;
}

interface Blob {
  readonly type: string;
  readonly bytes: Buffer;
  readonly digest: string;
}

/** @param address to listen at, on a free port: `TestEngine.hostAddress`. @throws Error when it isn't this machine's. */
export async function startRegistry(address: string): Promise<TestRegistry> {
  const { blobs, manifest } = emptyImage();
  const server = createServer(({ url = '', method }, response) => {
    const [, name, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    if (name === undefined) return send(response, 200, '{}');
    if (name === 'private') return refuse(response.setHeader('www-authenticate', 'Basic realm="test"'), 401, 'UNAUTHORIZED', 'authentication required');
    const found = kind === 'manifests' && reference === '1' ? manifest : blobs.get(reference!);
    if (name !== 'present' || !found) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    response.setHeader('content-type', found.type).setHeader('docker-content-digest', found.digest);
    return method === 'HEAD' ? send(response.setHeader('content-length', found.bytes.length), 200) : send(response, 200, found.bytes);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  return {
    host: `${address}:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The least that is an image: a configuration and one layer, an archive of nothing
 *  (https://distribution.github.io/distribution/spec/manifest-v2-2/). */
function emptyImage(): { blobs: ReadonlyMap<string, Blob>; manifest: Blob } {
  const archive = Buffer.alloc(1024);
  const layer = blob('application/vnd.docker.image.rootfs.diff.tar.gzip', gzipSync(archive));
  const config = blob('application/vnd.docker.container.image.v1+json', {
    architecture: 'amd64', os: 'linux', created: '2026-01-01T00:00:00Z', config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
  });
  const reference = ({ type, bytes, digest }: Blob) => ({ mediaType: type, size: bytes.length, digest });
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = blob(mediaType, { schemaVersion: 2, mediaType, config: reference(config), layers: [reference(layer)] });
  return { blobs: new Map([layer, config, manifest].map((each) => [each.digest, each])), manifest };
}

function blob(type: string, content: Buffer | object): Blob {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { type, bytes, digest: digestOf(bytes) };
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const refuse = (response: ServerResponse, status: number, code: string, message: string): void => send(response, status, JSON.stringify({ errors: [{ code, message }] }));

function send(response: ServerResponse, status: number, body?: string | Buffer): void {
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  response.writeHead(status).end(body);
}
