import { isIPv6 } from 'node:net';

/** Whom an address is counted for: itself, or of an IPv6 address its /64, since whoever has one of these has all of them (RFC 6177). An IPv4 address in IPv6's clothes is that. */
export function countedAs(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const front = groupsOf(head);
  const back = groupsOf(tail ?? '');
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back];
  return `${all.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** What is written as an IPv4 address at the end are two groups. */
const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group])));
