import { mountViolations } from './mount-rules.ts';
import { isBelow, type VolumeMount } from './mount.ts';

const at = (mountPath: string): VolumeMount => ({ type: 'volume', volumeId: 'vol_a', name: 'a', mountPath, readOnly: false });
const found = (...mounts: VolumeMount[]) => mountViolations(mounts).map(({ pointer, code }) => `${pointer} ${code}`);

describe('what a container mounts', () => {
  it('has each its own absolute path', () => {
    expect(found(at('/data'), at('/var/lib/a b'))).toEqual([]);
    expect(found(at('/data'), at('/data'))).toEqual(['/volumes/1/mount_path duplicate']);
  });

  it.each(['', '/', 'data', '/data/', '/a//b', '/a/../b', '/.', '/a:ro', '/a\nb', `/${'a'.repeat(1100)}`])('is refused at %j', (path) => expect(found(at(path))).toEqual(['/volumes/0/mount_path invalid']));

  it.each(['/proc', '/proc/1', '/sys/fs', '/dev', '/run/secrets/x', '/etc/hosts'])('leaves %s to the engine', (path) => expect(found(at(path))).toEqual(['/volumes/0/mount_path reserved']));

  it('takes folders of the host by plain paths only, and memory in a size that can be', () => {
    const host = (source: string): VolumeMount => ({ type: 'host_path', source, mountPath: '/host', readOnly: true });
    expect(found(host('/srv/media'))).toEqual([]);
    for (const source of ['/', 'srv', '/srv/../etc', '/srv/']) expect(found(host(source))).toEqual(['/volumes/0/host_path invalid']);
    expect(found({ type: 'tmpfs', mountPath: '/tmp', sizeBytes: 5 })).toEqual(['/volumes/0/size_bytes out_of_range']);
    expect(found({ type: 'tmpfs', mountPath: '/tmp', sizeBytes: null })).toEqual([]);
  });
});

it('a folder is below itself and its parents, and not below what its name begins with', () => {
  expect(['/srv', '/srv/a', '/srv/a/b', '/srvx', '/'].map((path) => isBelow(path, ['/srv']))).toEqual([true, true, true, false, false]);
});
