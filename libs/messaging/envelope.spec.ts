import { decodeAnswer, decodeMessage, encodeAnswer, encodeFailure, encodeMessage } from './envelope.ts';

describe('envelopes', () => {
  it('carries a request as Nest does: pattern, data and id', () => {
    const text = encodeMessage('waybill.node.n.report', { replicas: [] }, '7');
    expect(JSON.parse(text)).toEqual({ pattern: 'waybill.node.n.report', data: { replicas: [] }, id: '7' });
    expect(decodeMessage(text)).toEqual({ payload: { replicas: [] }, id: '7' });
  });

  it('leaves the id out of what wants no answer', () => {
    expect(JSON.parse(encodeMessage('waybill.events.hint.p', undefined))).toEqual({ pattern: 'waybill.events.hint.p', data: null });
  });

  it('takes a message without an envelope as the payload itself', () => {
    expect(decodeMessage('{"position":"7"}')).toEqual({ payload: { position: '7' } });
    expect(decodeMessage('')).toEqual({ payload: null });
  });

  it('answers as Nest does', () => {
    expect(JSON.parse(encodeAnswer({ taken: true }, '7'))).toEqual({ response: { taken: true }, isDisposed: true, id: '7' });
    expect(decodeAnswer('s', encodeAnswer(undefined, '7'))).toBeNull();
  });

  it('takes plain JSON as an answer, even one that has a field called response', () => {
    expect(decodeAnswer('s', '{"response":1,"other":2}')).toEqual({ response: 1, other: 2 });
    expect(decodeAnswer('s', '[1]')).toEqual([1]);
    expect(decodeAnswer('s', '')).toBeNull();
  });

  it('passes a failure on as passing trouble, with its message and without its stack', () => {
    const text = encodeFailure(Object.assign(new Error('the disk is full'), { code: 'disk.full' }), '7');
    expect(JSON.parse(text)).toEqual({ err: { status: 'error', code: 'disk.full', message: 'the disk is full' }, isDisposed: true, id: '7' });
    expect(() => decodeAnswer('a.b', text)).toThrow(expect.objectContaining({ code: 'bus.remote_error', message: 'a.b was answered with an error: the disk is full' }));
    expect(() => decodeAnswer('a.b', '{"err":"There is no matching message handler","status":"error","id":"1"}')).toThrow('no matching message handler');
  });
});
