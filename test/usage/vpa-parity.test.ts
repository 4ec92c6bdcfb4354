import * as fs from 'fs';
import * as path from 'path';
import * as zlib from 'zlib';
import { readSeries } from '../../bench/usage/traces';
import { VpaRecommender } from '../../bench/usage/vpa';

const SHARED = process.env.MILLRACE_SHARED ?? path.join(__dirname, '../../../shared');
const TRACES = path.join(SHARED, 'traces/bitbrains-rnd-dev.csv.gz');
const GOLDEN = path.join(SHARED, 'traces/vpa-real-recommendations.csv.gz');
// Unix time of step 0 of the trace: the real recommender was fed with wall-clock times.
const EPOCH = 1_372_629_600;
const STEP = 300;
const MIB = 1024 * 1024;

const present = fs.existsSync(TRACES) && fs.existsSync(GOLDEN);
if (!present) console.warn(`the traces are not in ${SHARED} (MILLRACE_SHARED): the port of VPA is not compared with the real one`);

/** Checkpoints of the real recommender by series and step: lower, target and upper bound of CPU (millicores), then of memory (bytes). */
function golden(): Map<string, Map<number, number[]>> {
  const checkpoints = new Map<string, Map<number, number[]>>();
  for (const line of zlib.gunzipSync(fs.readFileSync(GOLDEN)).toString().trimEnd().split('\n').slice(1)) {
    const [series, step, ...numbers] = line.split(',');
    if (!checkpoints.has(series)) checkpoints.set(series, new Map());
    checkpoints.get(series)?.set(Number(step), numbers.map(Number));
  }
  return checkpoints;
}

(present ? test : test.skip)(
  'the port of the Vertical Pod Autoscaler equals the real recommender on all 951 checkpoints, each number within one unit',
  async () => {
    const checkpoints = golden();
    const wrong: string[] = [];
    let compared = 0;
    for await (const { id, times, cpu, memory } of readSeries(TRACES)) {
      const vpa = new VpaRecommender();
      for (let i = 0; i < times.length; i++) {
        vpa.addCpu(EPOCH + times[i], cpu[i] / 1000);
        vpa.addMemory(EPOCH + times[i], memory[i] * MIB);
        const expected = checkpoints.get(id)?.get(times[i] / STEP);
        if (!expected) continue;
        compared++;
        const { cpu: c, memory: m } = vpa.recommendation();
        const actual = [c.lower, c.target, c.upper, m.lower, m.target, m.upper];
        if (actual.some((value, index) => Math.abs(value - expected[index]) > 1))
          wrong.push(`${id} step ${times[i] / STEP}: ${actual.join(' ')}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(compared).toBe(951);
  },
  300_000,
);

test('an OOM raises memory to 1.2 times the request, or by 100 MiB where that is more', () => {
  const vpa = new VpaRecommender();
  for (let i = 0; i < 10; i++) {
    vpa.addCpu(i * STEP, 0.1);
    vpa.addMemory(i * STEP, 300 * MIB);
  }
  vpa.addOom(10 * STEP, 1000 * MIB);
  // 1200 MiB falls into a bucket that ends 5 % above its start, and 15 % margin is added.
  const { target } = vpa.recommendation().memory;
  expect(target / MIB).toBeGreaterThan(1200 * 1.15);
  expect(target / MIB).toBeLessThan(1200 * 1.05 * 1.15 + 1);
});
