const LEVELS = '▁▂▃▄▅▆▇█';
// Dots of a braille character: two columns of four.
const BRAILLE = 0x2800;
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];

/** The highest value of each of at most `width` equal parts; NaN where a part has none. */
export function highest(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, index) => {
    const part = values.slice(Math.floor((index * values.length) / width), Math.floor(((index + 1) * values.length) / width));
    const known = part.filter((value) => !Number.isNaN(value));
    return known.length === 0 ? NaN : Math.max(...known);
  });
}

/** One line of blocks from zero to the highest value; a space where nothing was measured. */
export function sparkline(values: readonly number[], width = 40): string {
  const parts = highest(values, width);
  const top = Math.max(...parts.filter((value) => !Number.isNaN(value)), 0);
  return parts
    .map((value) =>
      Number.isNaN(value) ? ' ' : LEVELS[top === 0 ? 0 : Math.min(LEVELS.length - 1, Math.floor((value / top) * LEVELS.length))],
    )
    .join('');
}

/** Lines over a common axis as braille dots, with the highest and the lowest value at the side. */
export function plot(lines: readonly (readonly number[])[], options: { readonly width: number; readonly height: number }): string[] {
  const { width, height } = options;
  const known = lines.flat().filter((value) => Number.isFinite(value));
  if (known.length === 0) return [];
  const [bottom, top] = [Math.min(0, ...known), Math.max(...known)];
  const range = top - bottom || 1;
  const rows = Array.from({ length: height }, () => new Array<number>(width).fill(0));
  const [columns, dots] = [width * 2, height * 4];
  const length = Math.max(...lines.map((line) => line.length));
  const rowOf = (value: number) => dots - 1 - Math.round(((value - bottom) / range) * (dots - 1));
  for (const line of lines) {
    let last: number | undefined;
    for (let x = 0; x < columns; x++) {
      // A plot of fewer values than dots goes straight from one to the next.
      const position = columns === 1 ? 0 : (x * (length - 1)) / (columns - 1);
      const [left, right] = [line[Math.floor(position)], line[Math.ceil(position)]];
      const value = left + (right - left) * (position % 1);
      if (!Number.isFinite(value)) {
        last = undefined;
        continue;
      }
      const y = rowOf(value);
      const from = last === undefined ? y : Math.min(y, last + Math.sign(y - last));
      const to = last === undefined ? y : Math.max(y, last + Math.sign(y - last));
      for (let dot = from; dot <= to; dot++) rows[dot >> 2][x >> 1] |= DOTS[x & 1][dot & 3];
      last = y;
    }
  }
  const label = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  const side = Math.max(label(top).length, label(bottom).length);
  return rows.map((row, index) => {
    const text = index === 0 ? label(top) : index === height - 1 ? label(bottom) : '';
    return `${text.padStart(side)} ┤${row.map((dotsOfCell) => String.fromCharCode(BRAILLE + dotsOfCell)).join('')}`;
  });
}
