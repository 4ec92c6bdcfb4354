import * as path from 'path';
import { Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { core, cost, usage, workloads } from '../lib'; // in your project: from 'millrace'

/** Three services whose requests are what `millrace usage recommend` wrote into the profile beside this file. */
export function build(outdir: string, file = path.join(__dirname, 'right-sized-services.usage.json')): void {
  const app = new core.k8s.App({ outdir });
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const profile = usage.Profile.fromFile(file);

  // Up and down with the day: the autoscaler holds 60 % of the request, for which --autoscaled gateway/main=60 sized it.
  const gateway = new workloads.k8s.Service(chart, 'Gateway', {
    image: 'registry.example.com/shop/gateway:1.14.2',
    size: workloads.PodSize.fromProfile(profile, 'gateway/main', { replicas: 6 }),
    scaling: workloads.k8s.ServiceScaling.cpu(),
  });
  gateway.allowFromNamespace('ingress-nginx');

  // A heap that is not given back, stated with --class ledger/main=jvm.
  const ledger = new workloads.k8s.Service(chart, 'Ledger', {
    image: 'registry.example.com/shop/ledger:4.2.0',
    size: workloads.PodSize.fromProfile(profile, 'ledger/main'),
    scaling: workloads.k8s.ServiceScaling.fixed(),
    container: { jvmHeap: workloads.k8s.JvmHeap.fromMemory() },
  });
  ledger.allowFrom(gateway);

  // Bursts of a few minutes: CPU has no limit, and memory may go above the request.
  const scorer = new workloads.k8s.Service(chart, 'Scorer', {
    image: 'registry.example.com/shop/scorer:2.3.0',
    size: workloads.PodSize.fromProfile(profile, 'scorer/main', { memoryLimit: Size.gibibytes(2) }),
    scaling: workloads.k8s.ServiceScaling.fixed(),
  });
  scorer.allowFrom(gateway);

  new cost.CostAllocation({ team: 'shop', service: 'checkout', costCenter: 'CC-1042', environment: 'prod' }).applyTo(chart);
  app.synth();
}

if (require.main === module) build('cdk8s.out');
