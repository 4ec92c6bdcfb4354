import { Fn, Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { type Rule, enforce } from '../../core/rule';
import { BrokerClass } from '../broker-type';
import { TopicLedger } from '../topic-ledger';
import { BootstrapServers, refuseListener } from './bootstrap-servers';
import type { ClientAuthentication } from './client-authentication';
import type { IKafkaCluster } from './kafka-cluster';
import type { KafkaClusterAttributes } from './kafka-cluster-attributes';
import { KafkaListener, LISTENERS } from './kafka-listener';

const IMPORT_RULES: Rule<KafkaClusterAttributes>[] = [
  {
    code: 'Millrace.KafkaBrokersOnKubernetes',
    subject: 'brokerClass',
    value: (attributes) => attributes.brokerClass,
    valid: (brokerClass: BrokerClass) => brokerClass === BrokerClass.EXPRESS || brokerClass === BrokerClass.STANDARD,
    allowed: 'BrokerClass.EXPRESS or STANDARD',
    fix: 'leave it out for Express, or use streaming.k8s.KafkaCluster',
  },
];

/** An MSK cluster that exists already; `KafkaCluster.fromKafkaClusterAttributes` makes it. */
export class ImportedKafkaCluster extends Resource implements IKafkaCluster {
  public readonly clusterArn: string;
  public readonly clusterName: string;
  public readonly connections: ec2.Connections;
  public readonly encryptionKey;
  public readonly vpc;
  public readonly vpcSubnets;
  public readonly clientAuthentication?: ClientAuthentication;
  public readonly isServerless?: boolean;
  private readonly known?: string;
  private lookup?: BootstrapServers;

  constructor(scope: Construct, id: string, attributes: KafkaClusterAttributes) {
    super(scope, id);
    enforce(`${scope.node.path} fromKafkaClusterAttributes`, attributes, IMPORT_RULES);
    this.clusterArn = attributes.clusterArn;
    this.clusterName = Fn.select(1, Fn.split('/', attributes.clusterArn));
    this.connections = new ec2.Connections({
      securityGroups: attributes.securityGroups ?? [],
      defaultPort: ec2.Port.tcp(LISTENERS[KafkaListener.IAM].port),
    });
    this.encryptionKey = attributes.encryptionKey;
    this.vpc = attributes.vpc;
    this.vpcSubnets = attributes.vpc && (attributes.vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS });
    this.clientAuthentication = attributes.clientAuthentication;
    this.isServerless = attributes.isServerless;
    this.known = attributes.bootstrapServers;
    TopicLedger.of(this).brokerClass = attributes.brokerClass ?? BrokerClass.EXPRESS;
  }

  public get bootstrapServers(): string {
    return this.known ?? this.bootstrapServersFor(KafkaListener.IAM);
  }

  public bootstrapServersFor(listener: KafkaListener): string {
    if (listener === KafkaListener.IAM && this.known) return this.known;
    const listeners = this.clientAuthentication?.listeners ?? [KafkaListener.IAM];
    if (!listeners.includes(listener)) return refuseListener(this.node.path, listener, listeners);
    this.lookup ??= new BootstrapServers(this, 'BootstrapServers', { clusterArn: this.clusterArn, listeners });
    return this.lookup.of(listener);
  }
}
