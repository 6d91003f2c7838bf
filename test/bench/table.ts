import { isMet, type Figure } from './figure.ts';

/** A part's figures, aligned, each with its aim and whether it is met. */
export function tableOf(title: string, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [figure.what, amount(figure.value), figure.unit, aimOf(figure), verdictOf(figure)]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([what, value, unit, aim, verdict]) =>
    `  ${what!.padEnd(widths[0]!)}  ${value!.padStart(widths[1]!)} ${unit!.padEnd(widths[2]!)}  ${aim!.padEnd(widths[3]!)}  ${verdict}`.trimEnd(),
  );
  return [`\n${title}`, ...lines].join('\n');
}

function amount(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

function aimOf({ aim }: Figure): string {
  if (!aim) return '';
  return 'atMost' in aim ? `≤ ${amount(aim.atMost)}` : `≥ ${amount(aim.atLeast)}`;
}

function verdictOf(figure: Figure): string {
  const met = isMet(figure);
  return met === null ? '' : met ? 'met' : 'MISSED';
}
