import { flag, idOf, instant, many, named, object, one, orNull, text, type Schema } from './schema-words.ts';

const role = one('viewer', 'developer', 'owner');
const scope = orNull(object({ docker_service_id: orNull(idOf('svc')), environment_id: orNull(idOf('env')), actions: orNull(many(one('deploy'))) }));
const token = { token_id: idOf('tok'), project_id: idOf('prj'), name: orNull(text), role, scope, expires_at: instant, created_at: instant, created_by: named('Actor') };

/** What is answered of people, tokens and addresses. */
export const accessSchemas: Readonly<Record<string, Schema>> = {
  Member: object({ project_id: idOf('prj'), user_id: idOf('usr'), login: orNull(text), name: orNull(text), role, added_at: instant, added_by: named('Actor') }),
  Token: object(token),
  IssuedToken: object({ ...token, token: orNull(text) }),
  User: object({ user_id: idOf('usr'), login: orNull(text), name: orNull(text), operator: flag, created_at: instant }),
  Session: object({ user_id: idOf('usr'), token: text, expires_at: instant }),
  CurrentSession: object({ principal: named('Actor'), operator: flag, projects: orNull(many(object({ project_id: idOf('prj'), role }))), scope }),
  Origin: object({ origin_id: idOf('ori'), address: text }),
};
