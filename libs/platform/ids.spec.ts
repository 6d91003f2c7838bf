import { commandIdOf, deriveId, digest, randomCommandId, replicaIdOf } from './ids.ts';

const commandId = '7d3d29d8-6e0c-4b6a-a6ba-0a9c0c1f8a11';

describe('ids', () => {
  it('derives the id of a new thing from its command, so that a retry names it again', () => {
    // base32(sha256('7d3d29d8-…|docker_service|0')), computed with Python's hashlib and base64.
    expect(deriveId('svc', commandId, 'docker_service', 0)).toBe('svc_odf4qnsjx47te4r24kmkk3ubzb');
  });

  it('tells things of one command apart by kind and index', () => {
    const ids = [deriveId('env', commandId, 'environment', 0), deriveId('env', commandId, 'environment', 1), deriveId('env', commandId, 'network', 0)];
    expect(new Set(ids).size).toBe(3);
  });

  it("derives a replica's id from its owner, slot and generation", () => {
    expect(replicaIdOf({ type: 'docker_service', id: 'svc_aaaaaaaaaaaaaaaaaaaaaaaaaa' }, 1, 2)).toBe('rep_k52jwmsg2zhmvfbv4qaky4pr74');
  });

  it('tells replicas apart that were ordered for the same generation of a slot at different times', () => {
    const ids = [undefined, 1, 2].map((orderedAt) => replicaIdOf({ type: 'docker_service', id: 'svc_aaaaaaaaaaaaaaaaaaaaaaaaaa' }, 1, 2, orderedAt));
    expect(new Set(ids).size).toBe(3);
  });

  it('makes a command id that follows from what is to be done', () => {
    // uuid5(namespace, 'settle|rep_x|1'), computed with Python's uuid.
    expect(commandIdOf('settle', 'rep_x', '1')).toBe('8317f15f-3895-51c1-a6a5-3727ad81013d');
  });

  it('makes random command ids that differ', () => {
    expect(randomCommandId()).not.toBe(randomCommandId());
    expect(randomCommandId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('cuts a digest to the length asked for', () => {
    expect(digest(['/srv/waybill'], 8)).toMatch(/^[a-z2-7]{8}$/);
    expect(digest(['a'])).toHaveLength(26);
  });
});
