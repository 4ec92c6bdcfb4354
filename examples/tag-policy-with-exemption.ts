import { App, Stack, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { cost } from '../lib'; // in your project: from 'millrace'

/** Nothing without an owner, in the words of the company's bills; what was there before gets until the summer to find one. */
export function build(outdir: string): void {
  const app = new App({ outdir });
  const keys = new cost.AllocationKeys({ costCenter: 'acme.com/cost-center', required: ['data-class'] });

  const radar = new Stack(app, 'Radar');
  new Queue(radar, 'Alerts', { enforceSSL: true });
  new cost.CostAllocation({
    keys,
    team: 'fraud-ml',
    service: 'radar',
    costCenter: 'CC-1042',
    environment: 'prod',
    additional: { 'data-class': 'internal' },
  }).applyTo(radar);

  const legacy = new Stack(app, 'Legacy');
  new Queue(legacy, 'Batches', { enforceSSL: true });

  Validations.of(app).addPlugins(
    new cost.TagPolicy({
      keys,
      exemptions: [{ resource: 'Legacy/*', reason: 'moves to the data team with PLAT-318', expires: '2027-06-30' }],
    }),
  );
  app.synth();
}

if (require.main === module) build('cdk.out');
