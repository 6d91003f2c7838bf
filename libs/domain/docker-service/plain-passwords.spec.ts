import { passwordWarnings } from './plain-passwords.ts';

describe('a password in a plain URL', () => {
  const named = (value: string): boolean => passwordWarnings({ URL: value }).length === 1;

  it('is warned of wherever the URL stands', () => {
    for (const url of ['postgres://app:hunter2@db:5432/shop', 'jdbc:postgresql://app:p%40ss@db/shop', 'redis://:hunter2@cache', 'first http://a/b then amqp://u:p@host', 'mongodb://u:p@a:1,b:2/x', 'https://u:p@ss@host/']) expect([url, named(url)]).toEqual([url, true]);
  });

  it('is not seen where there is none', () => {
    for (const url of ['postgres://db:5432/shop', 'postgres://app@db/shop', 'http://host:80/a@b', 'http://host/?x=a:b@c', 'a:b@c', 'http://app:@db', '://', '']) expect([url, named(url)]).toEqual([url, false]);
  });

  it('is named by its variable and never said, and secrets are the way out', () => {
    const [warning] = passwordWarnings({ B: 'x', A_URL: 'postgres://app:hunter2@db' });
    expect(warning).toMatchObject({ code: 'env_password', message: expect.stringMatching(/env\.A_URL .*under secrets/) });
    expect(JSON.stringify(warning)).not.toContain('hunter2');
  });
});
