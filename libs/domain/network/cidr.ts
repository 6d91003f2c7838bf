/** A block of IPv4 addresses: `first` as a number, and how many bits of it are fixed. */
export interface Cidr {
  readonly first: number;
  readonly prefixLength: number;
}

const SYNTAX = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** `10.192.0.0/11`. @returns null where the text isn't a block, or names an address inside one. */
export function parseCidr(text: string): Cidr | null {
  const match = SYNTAX.exec(text);
  if (!match) return null;
  const [a = 0, b = 0, c = 0, d = 0, prefixLength = 0] = match.slice(1).map(Number);
  if ([a, b, c, d].some((byte) => byte > 255) || prefixLength > 32) return null;
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  return first % sizeOf({ first, prefixLength }) === 0 ? { first, prefixLength } : null;
}

export const formatCidr = ({ first, prefixLength }: Cidr): string =>
  `${[24, 16, 8, 0].map((bits) => Math.floor(first / 2 ** bits) % 256).join('.')}/${prefixLength}`;

/** How many addresses. */
export const sizeOf = ({ prefixLength }: Cidr): number => 2 ** (32 - prefixLength);

export const overlap = (a: Cidr, b: Cidr): boolean => a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
