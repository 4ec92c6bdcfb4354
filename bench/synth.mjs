// Synthesis time of a cdk8s app by its number of charts: stock `cdk8s.App` beside `core.k8s.App`, one service (Deployment, Service,
// HorizontalPodAutoscaler, PodDisruptionBudget) a chart. Every measurement is a process of its own, the two flavours take turns, medians
// are judged, and both must write the same bytes.
//   npm run bench:synth [-- --runs N] [-- --json FILE]
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SELF = fileURLToPath(import.meta.url);
const ROOT = path.join(path.dirname(SELF), '..');
const COMPILED = path.join(ROOT, 'dist/lib/core/k8s/index.js');
const SIZES = [100, 500, 2000];
const FLAVOURS = ['stock', 'ours'];
// In memory where the system has it: both flavours write the same files, and a disk's bad moments would decide the comparison.
const OUTPUT = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

function addServices(app, charts, cdk8s, plus) {
  for (let index = 0; index < charts; index++) {
    const chart = new cdk8s.Chart(app, `service-${index}`, { namespace: 'bench', labels: { team: `team-${index % 20}` } });
    const deployment = new plus.Deployment(chart, 'Deployment', {
      containers: [
        {
          image: `registry.example.com/service-${index}:1.0.0`,
          portNumber: 8080,
          envVariables: { INDEX: plus.EnvValue.fromValue(`${index}`) },
        },
      ],
    });
    deployment.exposeViaService({ ports: [{ port: 80, targetPort: 8080 }] });
    new plus.HorizontalPodAutoscaler(chart, 'Autoscaler', {
      target: deployment,
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [plus.Metric.resourceCpu(plus.MetricTarget.averageUtilization(70))],
    });
    new plus.k8s.KubePodDisruptionBudget(chart, 'DisruptionBudget', {
      spec: { maxUnavailable: plus.k8s.IntOrString.fromNumber(1), selector: { matchLabels: deployment.matchLabels } },
    });
  }
}

function hashFolder(folder) {
  const hash = createHash('sha256');
  for (const file of fs.readdirSync(folder, { recursive: true }).sort()) {
    hash
      .update(`${file}\0`)
      .update(fs.readFileSync(path.join(folder, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function measureHere(flavour, charts) {
  const require = createRequire(import.meta.url);
  const cdk8s = require('cdk8s');
  const { App } = flavour === 'stock' ? cdk8s : require(COMPILED);
  const outdir = fs.mkdtempSync(path.join(OUTPUT, 'millrace-bench-synth-'));
  try {
    const app = new App({ outdir });
    addServices(app, charts, cdk8s, require('cdk8s-plus-27'));
    const start = performance.now();
    app.synth();
    const ms = performance.now() - start;
    return { ms, files: fs.readdirSync(outdir).length, hash: hashFolder(outdir) };
  } finally {
    fs.rmSync(outdir, { recursive: true, force: true });
  }
}

function measure(flavour, charts) {
  return JSON.parse(execFileSync(process.execPath, [SELF, '--flavour', flavour, '--charts', String(charts)], { encoding: 'utf8' }));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const round = (value, digits = 0) => Number(value.toFixed(digits));

function main({ runs, json }) {
  if (!fs.existsSync(COMPILED)) execFileSync(process.execPath, ['scripts/ensure-build.mjs'], { cwd: ROOT, stdio: 'inherit' });
  const rows = SIZES.map((charts) => {
    const samples = { stock: [], ours: [] };
    for (let run = 0; run < runs; run++) {
      for (const flavour of FLAVOURS) {
        samples[flavour].push(measure(flavour, charts));
        process.stderr.write(`${charts} charts, run ${run + 1} of ${runs}, ${flavour}: ${round(samples[flavour][run].ms)} ms\n`);
      }
    }
    const [stock, ours] = FLAVOURS.map((flavour) => median(samples[flavour].map((sample) => sample.ms)));
    const hashes = new Set(FLAVOURS.flatMap((flavour) => samples[flavour].map((sample) => sample.hash)));
    const { files } = samples.ours[0];
    return { charts, files, stockMs: round(stock), oursMs: round(ours), speedup: round(stock / ours, 2), identical: hashes.size === 1 };
  });

  const [, middle, large] = rows;
  const identical = rows.filter((row) => row.identical && row.files === row.charts).length;
  const growth = round(large.oursMs / middle.oursMs, 2);
  const verdicts = [
    { metric: `speedup over stock at ${large.charts} charts`, value: large.speedup, target: '>= 10', pass: large.speedup >= 10 },
    { metric: `time at ${large.charts} charts / time at ${middle.charts}`, value: growth, target: '<= 5', pass: growth <= 5 },
    { metric: 'sizes with output identical to stock', value: identical, target: `= ${rows.length}`, pass: identical === rows.length },
  ];

  console.log(`\nmedian of ${runs} processes, node ${process.version}, ${os.cpus().length} cores, output to ${OUTPUT}\n`);
  console.log('charts   stock ms    ours ms    speedup   output');
  for (const row of rows) {
    const numbers = [String(row.stockMs).padStart(11), String(row.oursMs).padStart(11), `${row.speedup}x`.padStart(11)];
    console.log(`${String(row.charts).padStart(6)}${numbers.join('')}   ${row.identical ? 'identical' : 'DIFFERENT'}`);
  }
  console.log('');
  for (const { metric, value, target, pass } of verdicts) console.log(`${pass ? 'pass' : 'FAIL'}  ${metric}: ${value} (target ${target})`);
  if (json) fs.writeFileSync(json, JSON.stringify({ name: 'synth', rows, verdicts }, undefined, 2) + '\n');
  if (verdicts.some((verdict) => !verdict.pass)) process.exitCode = 1;
}

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, json: { type: 'string' }, flavour: { type: 'string' }, charts: { type: 'string' } },
});
if (options.flavour) console.log(JSON.stringify(measureHere(options.flavour, Number(options.charts))));
else {
  const runs = Number(options.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs: received '${options.runs}'; allowed: a whole number from 1; fix: --runs 5`);
  main({ runs, json: options.json });
}
