import { App, DefaultStackSynthesizer } from 'aws-cdk-lib';
import { cost } from '../../lib';
import { NetworkStack } from '../../bin/platform';
import { allocationOf } from '../../bin/shared-names';

const app = new App({
  defaultStackSynthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  postCliContext: { '@aws-cdk/aws-ec2:restrictDefaultSecurityGroup': false },
});
const network = new NetworkStack(app, 'Network', { env: { region: 'eu-west-1' } });
allocationOf('platform', 'network').applyTo(network, { carrier: cost.TagCarrier.RESOURCES });
app.synth();
