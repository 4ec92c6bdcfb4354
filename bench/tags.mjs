// npm run bench:tags [-- --json FILE] [--runs N]
// What an allocation costs in template size and synth time: without one, carried by the stack (the default), carried by every resource.
// Each measurement is a process of its own; sizes are exact, times are medians and are judged as ratios within one run.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { json: { type: 'string' }, runs: { type: 'string', default: '5' }, child: { type: 'string' } } });
const COUNTS = [100, 500];
const TAGS = 4;

if (values.child) {
  const [carrier, count] = values.child.split(':');
  const { App, Stack } = await import('aws-cdk-lib');
  const { Topic } = await import('aws-cdk-lib/aws-sns');
  const { CostAllocation, TagCarrier } = (await import('../dist/lib/cost/index.js')).default;
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-tags-'));
  const app = new App({ outdir, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Stack');
  for (let index = 0; index < Number(count); index++) new Topic(stack, `Topic${index}`);
  if (carrier !== 'none') {
    const allocation = new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' });
    allocation.applyTo(stack, { carrier: carrier === 'stack' ? TagCarrier.STACK : TagCarrier.RESOURCES });
  }
  const start = performance.now();
  app.synth();
  const ms = performance.now() - start;
  console.log(JSON.stringify({ ms, bytes: fs.statSync(path.join(outdir, 'Stack.template.json')).size }));
  fs.rmSync(outdir, { recursive: true });
  process.exit(0);
}

execFileSync('node', ['scripts/ensure-build.mjs'], { stdio: 'inherit' });

function measure(carrier, count) {
  const results = Array.from({ length: Number(values.runs) }, () => {
    const child = spawnSync(process.execPath, [new URL(import.meta.url).pathname, '--child', `${carrier}:${count}`], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(child.stderr);
    return JSON.parse(child.stdout);
  });
  const times = results.map(({ ms }) => ms).sort((a, b) => a - b);
  return { ms: times[Math.floor(times.length / 2)], bytes: results[0].bytes };
}

const rows = [];
for (const count of COUNTS) {
  for (const carrier of ['none', 'stack', 'resources']) {
    const { ms, bytes } = measure(carrier, count);
    const base = rows.find((row) => row.resources === count && row.carrier === 'none')?.bytes ?? bytes;
    rows.push({
      resources: count,
      carrier,
      bytes,
      bytesPerTagAndResource: Math.round((bytes - base) / (TAGS * count)),
      synthMs: Math.round(ms),
    });
  }
}
console.log('resources  carrier    template kB  bytes a tag a resource  synth ms');
for (const row of rows) {
  const cells = [String(row.resources).padStart(9), row.carrier.padEnd(9), (row.bytes / 1000).toFixed(1).padStart(11)];
  console.log([...cells, String(row.bytesPerTagAndResource).padStart(22), String(row.synthMs).padStart(8)].join('  '));
}
const of = (carrier) => rows.find((row) => row.resources === COUNTS.at(-1) && row.carrier === carrier);
const ratio = (a, b) => Number((a / b).toFixed(3));
const verdicts = [
  {
    metric: `template size at ${COUNTS.at(-1)} resources, carried by the stack / without`,
    value: ratio(of('stack').bytes, of('none').bytes),
    target: '<= 1.01',
  },
  {
    metric: `synth time at ${COUNTS.at(-1)} resources, carried by the stack / without`,
    value: ratio(of('stack').synthMs, of('none').synthMs),
    target: '<= 1.5',
  },
].map((verdict) => ({ ...verdict, pass: verdict.value <= Number(verdict.target.slice(3)) }));
for (const { metric, value, target, pass } of verdicts) console.log(`${pass ? 'pass' : 'FAIL'}  ${metric}: ${value} (target ${target})`);
if (values.json) fs.writeFileSync(values.json, JSON.stringify({ name: 'tags', rows, verdicts }, undefined, 2) + '\n');
process.exitCode = verdicts.every(({ pass }) => pass) ? 0 : 1;
