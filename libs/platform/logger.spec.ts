import { Sensitive } from '#domain';
import { createLogger } from './logger.ts';

const setUp = (level?: string) => {
  const lines: string[] = [];
  return { logger: createLogger('scheduler', { level, destination: { write: (line) => void lines.push(line) } }), read: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

describe('the log', () => {
  it('writes a line of JSON with level, time, app, message and fields', () => {
    const { logger, read } = setUp();
    logger.info('replica placed', { replica_id: 'rep_a', revision: 7n });
    expect(read()).toEqual([{ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), app: 'scheduler', replica_id: 'rep_a', revision: '7', msg: 'replica placed' }]);
  });

  it('leaves out what is below its level', () => {
    const { logger, read } = setUp('warn');
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    expect(read().map(({ msg }) => msg)).toEqual(['c', 'd']);
  });

  it('writes an error with its code, stack and causes', () => {
    const { logger, read } = setUp();
    const cause = Object.assign(new TypeError('no such file'), { code: 'ENOENT' });
    logger.error('reconcile failed', { error: new Error('can’t read the journal', { cause }) });
    expect(read()[0]).toMatchObject({
      error: { type: 'Error', message: 'can’t read the journal', stack: expect.stringContaining('logger.spec'), cause: { type: 'TypeError', message: 'no such file', code: 'ENOENT' } },
    });
  });

  it('redacts what is named like a secret, at any depth, but no ids of secrets', () => {
    const { logger, read } = setUp();
    const value = new Sensitive('hunter2');
    logger.info('request', { headers: { Authorization: 'Bearer x', accept: '*' }, token: 'x', secretKey: 'x', token_id: 'tok_a', list: [{ password: 'x' }], value });
    expect(read()[0]).toMatchObject({
      headers: { Authorization: '[redacted]', accept: '*' },
      token: '[redacted]',
      secretKey: '[redacted]',
      token_id: 'tok_a',
      list: [{ password: '[redacted]' }],
      value: '[redacted]',
    });
  });

  it('cuts what goes round in circles', () => {
    const { logger, read } = setUp();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    logger.info('circle', { circle });
    expect(JSON.stringify(read()[0])).toContain('[cut]');
  });
});
