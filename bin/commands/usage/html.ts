import { createHash } from 'crypto';
import * as fs from 'fs';
import * as path from 'path';
import { cellText, type Table } from './table';

/** Lines over time. */
export interface Chart {
  readonly title: string;
  /** Unix seconds, ascending. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
}

export interface ChartLine {
  readonly label: string;
  /** `null` is a gap. */
  readonly values: readonly (number | null)[];
  readonly role: 'main' | 'second' | 'third' | 'limit' | 'target';
}

/** What a page shows. */
export interface Page {
  readonly title: string;
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  readonly notes: readonly string[];
}

const STYLE = `
:root { color-scheme: light dark; --text: #1c2430; --back: #fff; --soft: #667085; --rule: #d5dae1; --main: #0b62c4; --second: #8a4fbf; --third: #5f6b7a; --limit: #b42318; --target: #067647; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ee; --back: #12161c; --soft: #98a2b3; --rule: #344054; --main: #6ab0ff; --second: #c79bf2; --third: #98a2b3; --limit: #ff8a80; --target: #6ce9a6; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.page th, .page td { padding: .3rem .7rem; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap; }
.page .number { text-align: right; } tfoot { font-weight: 600; } caption { text-align: left; color: var(--soft); padding: .3rem 0; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); } .u-legend { color: var(--text); }
`;

// Drawn again when the reader changes between light and dark: a canvas does not follow the style sheet.
const SCRIPT = `
const charts = JSON.parse(document.getElementById('charts').textContent);
const colour = (role) => getComputedStyle(document.documentElement).getPropertyValue('--' + role).trim();
let drawn = [];
function draw() {
  drawn.forEach((chart) => chart.destroy());
  drawn = charts.map((chart, index) => {
    const place = document.getElementById('chart-' + index);
    const axis = { stroke: colour('soft'), grid: { stroke: colour('rule'), width: 1 }, ticks: { stroke: colour('rule'), width: 1 } };
    const series = chart.lines.map((line) => ({ label: line.label, stroke: colour(line.role), width: line.role === 'main' ? 2 : 1, dash: line.role === 'limit' || line.role === 'target' ? [6, 4] : undefined, points: { show: false } }));
    return new uPlot({ width: Math.max(320, place.clientWidth), height: 240, tzDate: (time) => uPlot.tzDate(new Date(time * 1000), 'Etc/UTC'), series: [{ label: 'UTC' }, ...series], axes: [axis, { ...axis, size: 70 }], scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.05 : 1] } } }, [chart.times, ...chart.lines.map((line) => line.values)], place);
  });
}
draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
`;

/** Text inside of an element or an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** One page that needs nothing else: charts, the tables they come from, light and dark. It loads nothing and runs only what is in it. */
export function renderHtml({ title, tables, charts, notes }: Page): string {
  const folder = path.dirname(require.resolve('uplot/package.json'));
  const asset = (name: string) => fs.readFileSync(path.join(folder, 'dist', name), 'utf8');
  const styles = [asset('uPlot.min.css'), STYLE];
  const scripts = charts.length === 0 ? [] : [asset('uPlot.iife.min.js'), SCRIPT];
  const hashes = (texts: readonly string[]) =>
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ') || "'none'";
  const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; style-src ${hashes(styles)}; script-src ${hashes(scripts)}`;
  // A name may hold </script>; JSON says < in another way too.
  const values = JSON.stringify(charts.map(({ times, lines }) => ({ times, lines }))).replace(/</g, '\\u003c');
  const figures = charts.map(
    (chart, index) =>
      `<figure><figcaption>${escapeHtml(chart.title)}</figcaption><div id="chart-${index}" role="img" aria-label="${escapeHtml(`${chart.title}: ${chart.lines.map(({ label }) => label).join(', ')}; the values stand in the table`)}"></div></figure>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
${styles.map((text) => `<style>${text}</style>`).join('\n')}
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${[...tables.map(tableHtml), ...notes.map((note) => `<p>${escapeHtml(note)}</p>`), ...figures].join('\n')}
</main>
<script type="application/json" id="charts">${values}</script>
${scripts.map((text) => `<script>${text}</script>`).join('\n')}
</body>
</html>
`;
}

function tableHtml({ title, columns, rows, total }: Table): string {
  const row = (cells: Table['rows'][number], isTotal = false) =>
    `<tr>${columns
      .map(({ key, kind }, index) => {
        const text = isTotal && cells[key] === undefined ? '' : escapeHtml(cellText(cells[key], kind));
        if (index === 0) return `<th scope="row">${text}</th>`;
        return kind === 'text' ? `<td>${text}</td>` : `<td class="number">${text}</td>`;
      })
      .join('')}</tr>`;
  const head = columns.map(
    ({ title: name, kind }) => `<th scope="col"${kind === 'text' ? '' : ' class="number"'}>${escapeHtml(name)}</th>`,
  );
  const foot = total ? `<tfoot>${row(total, true)}</tfoot>` : '';
  return `<div class="scroll"><table class="page"><caption>${escapeHtml(title)}</caption><thead><tr>${head.join('')}</tr></thead><tbody>${rows.map((cells) => row(cells)).join('')}</tbody>${foot}</table></div>`;
}
