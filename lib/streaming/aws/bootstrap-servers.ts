import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';

/** Properties of the bootstrap-server lookup. */
export interface BootstrapServersProps {
  /** Cluster to ask for. */
  readonly clusterArn: string;
}

/**
 * Asks MSK for the bootstrap servers of a cluster at deploy: CloudFormation has no attribute for them. One call, on one cluster, with the
 * SDK that Lambda ships.
 */
export class BootstrapServers extends Construct {
  /** `host:port` of the IAM listener, separated by commas. */
  public readonly bootstrapServers: string;

  constructor(scope: Construct, id: string, props: BootstrapServersProps) {
    super(scope, id);
    const call: cr.AwsSdkCall = {
      service: 'Kafka',
      action: 'getBootstrapBrokers',
      parameters: { ClusterArn: props.clusterArn },
      physicalResourceId: cr.PhysicalResourceId.of(`${props.clusterArn}-bootstrap`),
      outputPaths: ['BootstrapBrokerStringSaslIam'],
    };
    const lookup = new cr.AwsCustomResource(this, 'Resource', {
      onUpdate: call,
      installLatestAwsSdk: false,
      policy: cr.AwsCustomResourcePolicy.fromSdkCalls({ resources: [props.clusterArn] }),
    });
    this.bootstrapServers = lookup.getResponseField('BootstrapBrokerStringSaslIam');
  }
}
