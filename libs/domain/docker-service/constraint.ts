import type { NodeId } from '../kernel/ids.ts';

/** One condition on a node: `node.labels.zone==a`, `node.name!=host-3`. */
export interface Constraint {
  readonly field: Field;
  /** Of which label; null with every other field. */
  readonly label: string | null;
  readonly operator: '==' | '!=';
  readonly value: string;
}

/** What a constraint looks at. */
export interface ConstrainedNode {
  readonly nodeId: NodeId;
  readonly name: string;
  /** As engines name them: `amd64`. */
  readonly architecture: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Field = 'node.id' | 'node.name' | 'node.arch' | 'node.labels';

const FIELDS: Readonly<Record<Field, (node: ConstrainedNode, label: string) => string | undefined>> = {
  'node.id': ({ nodeId }) => nodeId,
  'node.name': ({ name }) => name,
  'node.arch': ({ architecture }) => architecture,
  'node.labels': ({ labels }, label) => (Object.hasOwn(labels, label) ? labels[label] : undefined),
};

const SYNTAX = /^(?<left>\S+?)\s*(?<operator>==|!=)\s*(?<value>[-A-Za-z0-9._/]{1,255})$/;
const LABEL = /^node\.labels\.(?<label>[A-Za-z0-9](?:[-A-Za-z0-9._/]{0,126}[A-Za-z0-9])?)$/;

/** @returns null where the text isn't a constraint: `constraintFlaw` says why. */
export function parseConstraint(text: string): Constraint | null {
  const { left = '', operator, value = '' } = SYNTAX.exec(text)?.groups ?? {};
  const label = LABEL.exec(left)?.groups?.['label'] ?? null;
  const field = label === null ? left : 'node.labels';
  if (!operator || !isField(field) || (field === 'node.labels') !== (label !== null)) return null;
  return { field, label, operator: operator as Constraint['operator'], value };
}

/** What is wrong with a text that should be a constraint, in words that follow "it"; null where nothing is. */
export function constraintFlaw(text: string): string | null {
  if (parseConstraint(text)) return null;
  const left = SYNTAX.exec(text)?.groups?.['left'];
  if (left === undefined || left.startsWith('node.labels')) return 'must read like node.labels.zone==a or node.name!=host-3';
  return `must ask for node.id, node.name, node.arch or node.labels.<key>: ${left} is no field of a node`;
}

/** A label that the node doesn't have equals nothing, so `!=` holds for it. */
export function holds({ field, label, operator, value }: Constraint, node: ConstrainedNode): boolean {
  const found = FIELDS[field](node, label ?? '');
  return operator === '==' ? found === value : found !== value;
}

const isField = (text: string): text is Field => Object.hasOwn(FIELDS, text);
