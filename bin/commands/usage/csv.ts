import type { Cell, Table } from './table';

// A spreadsheet takes text that begins so for a formula; the names come from a cluster.
const FORMULA = /^[=+\-@\t\r]/;

function field(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** CSV as RFC 4180 says, with plain numbers; what is not known is empty. Totals are left out: a reader adds up by itself. */
export function renderCsv({ columns, rows }: Table): string {
  const lines = [columns.map(({ key }) => key), ...rows.map((row) => columns.map(({ key }) => field(row[key])))];
  return lines.map((cells) => cells.join(',')).join('\n');
}

/** Rows of a CSV text with the line each begins in; quotes may hold commas and line ends. */
export function parseCsv(text: string): { readonly line: number; readonly cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let begin = 1;
  const endRow = () => {
    cells.push(cell);
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: begin, cells });
    [cells, cell] = [[], ''];
  };
  const source = text.replace(/^\ufeff/, '');
  for (let index = 0; index < source.length; index++) {
    const character = source[index];
    if (character === '\n') line++;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (source[index + 1] === '"') cell += source[++index];
      else quoted = false;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === ',') {
      cells.push(cell);
      cell = '';
    } else if (character === '\n') {
      endRow();
      begin = line;
    } else if (character !== '\r') cell += character;
  }
  if (cell !== '' || cells.length > 0) endRow();
  return rows;
}
