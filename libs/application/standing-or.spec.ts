import { describe, expect, it } from '@jest/globals';
import { Rejection } from '#domain';
import { standingOr } from './standing-or.ts';

const refusal = new Rejection('conflict', 'docker_service.deleted', 'the service is deleted');

describe('a request that may have been sent before', () => {
  it('is answered by what stands', async () => {
    expect(await standingOr(async () => 'first', async () => 'second')).toBe('first');
  });

  it('comes to what it asks for where nothing stands', async () => {
    expect(await standingOr(async () => null, async () => 'asked')).toBe('asked');
  });

  it('is answered by what another try of it wrote while this one was refused', async () => {
    let written: string | null = null;
    const refused = async () => {
      written = 'by the other one';
      throw refusal;
    };
    expect(await standingOr(async () => written, refused)).toBe('by the other one');
  });

  it('is refused where nothing stands then either', async () => {
    await expect(standingOr(async () => null, async () => Promise.reject(refusal))).rejects.toBe(refusal);
  });

  it('says what it failed for where it can not be looked for again', async () => {
    let looks = 0;
    const look = async () => (looks++ === 0 ? null : Promise.reject(new Error('the store does not answer')));
    await expect(standingOr(look, async () => Promise.reject(refusal))).rejects.toBe(refusal);
  });
});
