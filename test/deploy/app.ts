import { App, DefaultStackSynthesizer } from 'aws-cdk-lib';
import type { FlowLog } from 'aws-cdk-lib/aws-ec2';
import type { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { NetworkStack, PredictionStack } from '../../bin/platform';
import { allocationOf } from '../../bin/shared-names';
import { cost } from '../../lib';

/** The stacks of the platform that the emulator holds; `deploy-local` computes the same list from the templates and compares. */
export const HELD = ['Network', 'Prediction'];

/** A custom resource runs a Lambda, which moto runs in a container: the platform goes without them here. */
export const WITHOUT_CUSTOM_RESOURCES = { '@aws-cdk/aws-ec2:restrictDefaultSecurityGroup': false };

/** The context key of the model that a deploy rolls out, with its version before and after. */
export const MODEL_VERSION = { key: 'radarModelVersion', before: '7', after: '8' };

/** The context key of the update, with the value before and after. */
export const RETENTION = { key: 'flowLogRetentionDays', before: 30, after: 7 };

function buildHeldStacks(app: App): void {
  const network = new NetworkStack(app, 'Network', { env: { region: 'eu-west-1' } });
  // moto hands the tags of a stack on to EC2 resources only; the role and the log group show tags when their templates carry them.
  allocationOf('platform', 'network').applyTo(network, { carrier: cost.TagCarrier.RESOURCES });
  describeFlowLogRole(network);
  const prediction = new PredictionStack(app, 'Prediction', { env: { region: 'eu-west-1' } });
  allocationOf('fraud-ml', 'radar').applyTo(prediction, { carrier: cost.TagCarrier.RESOURCES });
  // moto's list of instance types ends with the fifth generation.
  for (const child of prediction.node.findAll()) {
    if (child instanceof CfnEndpointConfig) child.addPropertyOverride('ProductionVariants.0.InstanceType', 'ml.c5.xlarge');
  }
}

/** moto reports an update of a log group as complete and leaves it as it was; the description of a role it really changes. */
function describeFlowLogRole(network: NetworkStack): void {
  const days = network.node.tryGetContext(RETENTION.key) ?? RETENTION.before;
  const flowLog = network.vpc.node.findChild('FlowLog') as FlowLog;
  const role = flowLog.iamRole?.node.defaultChild as CfnRole;
  role.description = flowLogRoleDescription(days);
}

/** What the role of the flow log says about itself. */
export function flowLogRoleDescription(days: number | string): string {
  return `Writes flow logs that are kept ${days} days`;
}

if (require.main === module) {
  const app = new App({
    // For the emulator only: moto answers an update with the parameter of the bootstrap-version rule with HTTP 500.
    defaultStackSynthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
    postCliContext: WITHOUT_CUSTOM_RESOURCES,
  });
  buildHeldStacks(app);
  app.synth();
}
