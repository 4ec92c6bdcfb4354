import { Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { core, cost, workloads } from '../lib'; // in your project: from 'millrace'

/** Nodes on EKS for two declared workloads, spot where there is any, and the quota of the team that runs them. */
export function build(outdir: string): void {
  const app = new core.k8s.App({ outdir });
  const chart = new Chart(app, 'fraud', { namespace: 'fraud' });

  const radar = workloads.PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768), replicas: 24 });
  const enricher = workloads.PodSize.fixed({ cpu: Cpu.millis(2000), memory: Size.gibibytes(12), replicas: 6 });
  const nodes = new workloads.k8s.NodePool(chart, 'Nodes', {
    workloads: [{ size: radar }, { size: enricher }],
    nodeClass: { clusterName: 'ml', role: 'ml-nodes', image: workloads.k8s.NodeImage.al2023('v20260810') },
    packing: { capacity: workloads.NodeCapacity.MIXED },
  });
  console.error(nodes.sizing.reason);
  new workloads.k8s.TeamQuota(chart, 'Quota', { sizes: [{ size: radar }, { size: enricher, maxReplicas: 9 }] });

  new cost.CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(chart);
  app.synth();
}

if (require.main === module) build('cdk8s.out');
