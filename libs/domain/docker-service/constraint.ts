/** One condition on a node: `node.labels.zone==a`, `node.name!=host-3`. */
export interface Constraint {
  /** Of which label; null: of the node's name. */
  readonly label: string | null;
  readonly operator: '==' | '!=';
  readonly value: string;
}

const SYNTAX = /^node\.(?:name|labels\.(?<label>[A-Za-z0-9](?:[-A-Za-z0-9._/]{0,126}[A-Za-z0-9])?))\s*(?<operator>==|!=)\s*(?<value>[-A-Za-z0-9._/]{1,255})$/;

/** @returns null where the text isn't a constraint. */
export function parseConstraint(text: string): Constraint | null {
  const groups = SYNTAX.exec(text)?.groups;
  if (!groups) return null;
  return { label: groups['label'] ?? null, operator: groups['operator'] as Constraint['operator'], value: groups['value'] ?? '' };
}

/** A label that the node doesn't have equals nothing, so `!=` holds for it. */
export function holds({ label, operator, value }: Constraint, node: { name: string; labels: Readonly<Record<string, string>> }): boolean {
  const found = label === null ? node.name : Object.hasOwn(node.labels, label) ? node.labels[label] : undefined;
  return operator === '==' ? found === value : found !== value;
}
