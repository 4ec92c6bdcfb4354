/** What the values of a column are; it decides how they are written. */
export type ColumnKind = 'text' | 'millicores' | 'mebibytes' | 'cores' | 'gibibytes' | 'count' | 'decimal' | 'share' | 'money';

export interface Column {
  /** Name in CSV. */
  readonly key: string;
  /** Name for readers. */
  readonly title: string;
  readonly kind: ColumnKind;
  /** Left out of terminal tables, which are narrow. @default false */
  readonly wide?: boolean;
}

/** `undefined` is what is not known. */
export type Cell = string | number | undefined;

/** Rows under one heading; every output is made from it. */
export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** Row of totals. */
  readonly total?: Readonly<Record<string, Cell>>;
}

// Less than half of the last digit is nothing, from both sides.
const decimals = (value: number, most: number) =>
  value.toLocaleString('en-US', { maximumFractionDigits: most }).replace(/^-(?=[0.]*$)/, '');
const FORMATS: Readonly<Record<Exclude<ColumnKind, 'text'>, (value: number) => string>> = {
  millicores: (value) => `${decimals(value, value < 10 ? 1 : 0)} m`,
  mebibytes: (value) => `${decimals(value, value < 10 ? 1 : 0)} MiB`,
  cores: (value) => `${decimals(value, 2)} cores`,
  gibibytes: (value) => `${decimals(value, 2)} GiB`,
  count: (value) => decimals(value, 0),
  decimal: (value) => decimals(value, Math.abs(value) < 100 ? 2 : 0),
  share: (value) => `${decimals(value * 100, 1)} %`,
  money: (value) =>
    `${value < 0 ? '-' : ''}$${Math.abs(value).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`,
};

/** A value as a reader sees it. */
export function cellText(cell: Cell, kind: ColumnKind): string {
  if (cell === undefined) return 'unknown';
  if (typeof cell === 'string' || kind === 'text') return String(cell);
  return FORMATS[kind](cell);
}

// Control characters in a name would act on the terminal of whoever looks at it.
// eslint-disable-next-line no-control-regex -- exactly those are meant
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** Text that is safe to print. */
export function printable(text: string): string {
  return text.replace(CONTROL, '\ufffd');
}

function rowsOf(table: Table, columns: readonly Column[]): string[][] {
  const rows = table.total ? [...table.rows, table.total] : table.rows;
  return rows.map((row) =>
    columns.map(({ key, kind }) => (row === table.total && row[key] === undefined ? '' : printable(cellText(row[key], kind)))),
  );
}

/** Aligned columns for a terminal. */
export function renderTable(table: Table, colours: boolean): string {
  const columns = table.columns.filter(({ wide }) => !wide);
  const rows = rowsOf(table, columns);
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => row[index].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => (columns[index].kind === 'text' ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
      .join('  ')
      .trimEnd();
  const bold = (text: string) => (colours ? `\u001b[1m${text}\u001b[0m` : text);
  const lines = [bold(line(columns.map(({ title }) => title))), ...rows.map(line)];
  if (table.total) lines[lines.length - 1] = bold(lines[lines.length - 1]);
  return lines.map((text) => `  ${text}`).join('\n');
}

/** Text that Markdown shows as it is. */
export function escapeMarkdown(text: string): string {
  return printable(text).replace(/[\\|`*_<>[\]@&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A table for a comment on a pull request. */
export function renderMarkdown(table: Table): string {
  const columns = table.columns.filter(({ wide }) => !wide);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rows = rowsOf(table, columns).map((row) => line(row.map(escapeMarkdown)));
  const rule = columns.map(({ kind }) => (kind === 'text' ? '---' : '---:'));
  return [`**${escapeMarkdown(table.title)}**`, '', line(columns.map(({ title }) => title)), line(rule), ...rows].join('\n');
}
