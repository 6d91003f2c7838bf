import type { Reason } from '../kernel/reason.ts';

/** What there is to be said of an environment that everybody with a view of the service reads: each name whose value has a URL with a password in it. The
 *  value itself isn't said once more. */
export const passwordWarnings = (env: Readonly<Record<string, string>>): readonly Reason[] =>
  Object.keys(env)
    .sort()
    .filter((name) => hasPassword(env[name]!))
    .map((name) => ({ code: 'env_password', message: `env.${name} holds a URL with a password, which everybody reads who may see the service: keep it by POST /v1/secrets and give it under secrets` }));

/** RFC 3986 §3.2.1: `user:password` stands between `://` and the last `@` before the path. Each part is looked at once, however long the text is. */
function hasPassword(text: string): boolean {
  return text.split('://').slice(1).some((rest) => {
    const authority = /^[^\s/?#"']*/.exec(rest)![0];
    const userinfo = authority.slice(0, Math.max(0, authority.lastIndexOf('@')));
    const colon = userinfo.indexOf(':');
    return colon >= 0 && colon < userinfo.length - 1;
  });
}
