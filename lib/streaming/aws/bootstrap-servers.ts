import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { KafkaListener, LISTENERS } from './kafka-listener';

/** Properties of the bootstrap-server lookup. */
export interface BootstrapServersProps {
  /** Cluster to ask for. */
  readonly clusterArn: string;
  /**
   * Listeners that are on; MSK names no brokers for the others.
   * @default - IAM alone
   */
  readonly listeners?: KafkaListener[];
  /**
   * Whether the client comes over a managed VPC connection.
   * @default false
   */
  readonly overVpcConnection?: boolean;
}

/**
 * Asks MSK for the bootstrap servers of a cluster at deploy: CloudFormation has no attribute for them. One call, on one cluster, with the
 * SDK that Lambda ships.
 */
export class BootstrapServers extends Construct {
  /** `host:port` of the IAM listener, separated by commas. */
  public readonly bootstrapServers: string;
  private readonly servers: ReadonlyMap<KafkaListener, string>;

  constructor(scope: Construct, id: string, props: BootstrapServersProps) {
    super(scope, id);
    const listeners = props.listeners ?? [KafkaListener.IAM];
    const fieldOf = (listener: KafkaListener) => LISTENERS[listener][props.overVpcConnection ? 'privateBootstrapField' : 'bootstrapField'];
    const call: cr.AwsSdkCall = {
      service: 'Kafka',
      action: 'getBootstrapBrokers',
      parameters: { ClusterArn: props.clusterArn },
      physicalResourceId: cr.PhysicalResourceId.of(`${props.clusterArn}-bootstrap`),
      outputPaths: listeners.map(fieldOf),
    };
    const lookup = new cr.AwsCustomResource(this, 'Resource', {
      onUpdate: call,
      installLatestAwsSdk: false,
      policy: cr.AwsCustomResourcePolicy.fromSdkCalls({ resources: [props.clusterArn] }),
    });
    this.servers = new Map(listeners.map((listener) => [listener, lookup.getResponseField(fieldOf(listener))]));
    this.bootstrapServers = this.servers.get(listeners[0])!;
  }

  /** `host:port` of one listener, separated by commas. */
  public of(listener: KafkaListener): string {
    return this.servers.get(listener) ?? refuseListener(this.node.path, listener, [...this.servers.keys()]);
  }
}

/** Refuses to speak of a listener that the cluster does not have. */
export function refuseListener(scope: string, listener: KafkaListener, on: KafkaListener[]): never {
  return refuse(scope, {
    code: 'Millrace.KafkaListenerOff',
    subject: 'listener',
    received: `'${listener}'`,
    allowed: `a listener of the cluster: ${on.join(', ')}`,
    fix:
      listener === KafkaListener.SCRAM
        ? 'give the cluster clientAuthentication: ClientAuthentication.iam().withScram()'
        : 'give the cluster clientAuthentication: ClientAuthentication.iam().withMtls([…])',
  });
}
