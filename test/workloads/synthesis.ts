import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { PodSize } from '../../lib/workloads/pod-size';

export const IMAGE = 'registry.example.com/fraud/radar:2.3.0';
export const SIZE = PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768), replicas: 6 });
export const OWNER = { team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1042', environment: 'prod' };

/** A chart in the namespace `fraud` of an app that has an owner. */
export function newChart(team = 'fraud-ml'): Chart {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-workloads-')) });
  new CostAllocation({ team, service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return new Chart(app, 'fraud', { namespace: 'fraud' });
}

/** What the app of a chart becomes. */
export function assemblyOf(chart: Chart): Assembly {
  const app = chart.node.root as App;
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir });
}

/** The manifests of a chart after the given work on it. */
export function manifestsOf(work: (chart: Chart) => unknown): any[] {
  const chart = newChart();
  work(chart);
  return assemblyOf(chart).objects.map(({ manifest }) => manifest);
}

/** The one manifest of a kind after the given work on a chart. */
export function manifestOf(kind: string, work: (chart: Chart) => unknown): any {
  const found = manifestsOf(work).filter((manifest) => manifest.kind === kind);
  expect(found.map((manifest) => manifest.kind)).toEqual([kind]);
  return found[0];
}
