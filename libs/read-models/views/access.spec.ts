import { Story, timeOf } from '../given/story.ts';
import { foldDocument } from '../view.ts';
import { members, tokens } from './access.ts';

const by = { type: 'token', id: 'tok_operator' } as const;
const STREAM = 'project-prj_shop';
const projectId = 'prj_shop';

describe('the members view', () => {
  it('has each member with the role that they have now, until they are removed', () => {
    const story = new Story();
    story.tell(STREAM, 'MemberAdded', { projectId, userId: 'usr_ann', role: 'viewer' });
    story.tell(STREAM, 'MemberRoleChanged', { projectId, userId: 'usr_ann', from: 'viewer', to: 'owner' });
    const member = { id: 'prj_shop.usr_ann', project_id: projectId, user_id: 'usr_ann', role: 'owner', added_at: timeOf(1), added_by: by, position: '00000000000000000002' };
    expect(foldDocument(members, story.events, 'prj_shop.usr_ann')).toEqual(member);
    story.tell(STREAM, 'MemberRemoved', { projectId, userId: 'usr_ann', role: 'owner' });
    expect(foldDocument(members, story.events, 'prj_shop.usr_ann')).toBeNull();
  });
});

describe('the tokens view', () => {
  it('has what each token may and until when, until it is revoked', () => {
    const story = new Story();
    const scope = { dockerServiceId: 'svc_web', environmentId: null, actions: ['deploy'] } as const;
    story.tell(STREAM, 'TokenIssued', { projectId, tokenId: 'tok_ci', role: 'developer', scope, expiresAt: timeOf(9) });
    expect(foldDocument(tokens, story.events, 'tok_ci')).toMatchObject({
      token_id: 'tok_ci', project_id: projectId, role: 'developer', scope: { docker_service_id: 'svc_web', environment_id: null, actions: ['deploy'] }, expires_at: timeOf(9), created_at: timeOf(1), created_by: by,
    });
    story.tell(STREAM, 'TokenRevoked', { projectId, tokenId: 'tok_ci' });
    expect(foldDocument(tokens, story.events, 'tok_ci')).toBeNull();
  });
});
