import { renderCsv } from './csv';
import { type Chart, renderHtml } from './html';
import { escapeMarkdown, renderMarkdown, renderTable, type Table } from './table';
import { type Terminal, WrongUsage } from './terminal';
import { writeFile } from './write-file';

/** How a result is shown. At most one of `json`, `csv` and `markdown`; the page comes beside any of them. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly markdown?: boolean;
  /** File of the page. */
  readonly html?: string;
}

/** One result in every form. */
export interface UsageReport {
  readonly title: string;
  /** What `--json` prints. */
  readonly content: unknown;
  /** What `--csv` prints, and one table of the page. */
  readonly tables: readonly Table[];
  /** Computed for a page only. */
  readonly charts: () => readonly Chart[];
  /** Sentences below the tables. */
  readonly notes: readonly string[];
  /** What a reader at a terminal sees. @default - the tables */
  readonly lines?: readonly string[];
}

/** Refuses two outputs that would share standard output. */
export function checkOutput({ json, csv, markdown }: OutputOptions): void {
  if ([json, csv, markdown].filter(Boolean).length > 1) throw new WrongUsage('only one of --json, --csv and --markdown can be printed');
}

/** Prints a result in the form asked for and writes the page. */
export function output(report: UsageReport, options: OutputOptions, terminal: Terminal): void {
  const { tables, notes } = report;
  if (options.html !== undefined) {
    writeFile(options.html, renderHtml({ ...report, charts: report.charts() }));
    terminal.warn(`wrote ${options.html}`);
  }
  if (options.json) terminal.print(JSON.stringify(report.content, undefined, 2));
  else if (options.csv) terminal.print(tables.slice(0, 1).map(renderCsv).join(''));
  else if (options.markdown) terminal.print([...tables.map(renderMarkdown), ...notes.map(escapeMarkdown)].join('\n\n'));
  else {
    const lines = report.lines ?? tables.flatMap((table) => [table.title, renderTable(table, terminal.colours), '']);
    for (const line of [...lines, ...notes]) terminal.print(line);
  }
}
