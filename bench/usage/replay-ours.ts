// Replays our policies over a trace in a process of its own, so that its memory is only ours:
//   tsx replay-ours.ts <traces.csv.gz> <times> <policy>:<block seconds>:<least millicores>:<least MiB>...
// The file is read `times` times; series read again count as further ones. Prints one JSON line.
import { performance } from 'node:perf_hooks';
import { POLICIES, type PolicyName } from '../../lib/usage/request-policy';
import { ours } from './ours';
import { type Replayed, replay } from './replay';
import { readSeries } from './traces';

async function main([file, times, ...rows]: string[]): Promise<void> {
  const wanted = rows.map((row) => {
    const [policy, seconds, cpu, memory] = row.split(':');
    return {
      policy: POLICIES[policy as PolicyName],
      blockSeconds: Number(seconds),
      floors: { cpu: Number(cpu), memory: Number(memory) },
      results: [] as Replayed[],
      milliseconds: 0,
    };
  });
  let samples = 0;
  // Whole passes, then the first series of the file for the rest.
  for (let rest = Number(times); rest > 0; rest--) {
    let stop = Infinity;
    if (rest < 1) stop = Math.floor(samples * (rest / Math.max(1, Number(times) - rest)));
    let pass = 0;
    for await (const series of readSeries(file)) {
      if (pass >= stop) break;
      pass += series.times.length;
      for (const row of wanted) {
        const start = performance.now();
        row.results.push(replay(ours(row.policy, row.blockSeconds, row.floors), series));
        row.milliseconds += performance.now() - start;
      }
    }
    samples += pass;
  }
  const results = wanted.map(({ results: replayed, milliseconds }) => ({ results: replayed, milliseconds }));
  process.stdout.write(`${JSON.stringify({ samples, maxRssMiB: process.resourceUsage().maxRSS / 1024, rows: results })}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
