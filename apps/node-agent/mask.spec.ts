import { maskOf } from './mask.ts';

it('puts a mask in the place of every value, and of every line of one', () => {
  const mask = maskOf(['correct horse', 'correct horse battery', '-----BEGIN KEY-----\nc2VjcmV0IGtleQ==\n-----END KEY-----\n', 'short']);
  expect(mask('it is correct horse battery, and correct horse again')).toBe('it is [secret], and [secret] again');
  expect(mask('c2VjcmV0IGtleQ==')).toBe('[secret]');
  expect(mask('too short to be told from chance')).toBe('too short to be told from chance');
  expect(maskOf([])('as it is')).toBe('as it is');
});
