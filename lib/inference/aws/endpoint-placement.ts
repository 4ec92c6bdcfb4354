import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import type { EndpointNetwork } from './endpoint-network';

/** Properties of the place of the instances. */
export interface EndpointPlacementProps {
  /** The network. */
  readonly network: EndpointNetwork;
  /** Zones that the instances need. */
  readonly zones: number;
}

/** Subnets and security groups in which the instances of an endpoint stand. */
export class EndpointPlacement extends Construct {
  /** Network of the instances. */
  public readonly connections: ec2.Connections;
  /** Subnets of the instances. */
  public readonly subnetIds: string[];

  constructor(scope: Construct, id: string, props: EndpointPlacementProps) {
    super(scope, id);
    const { vpc, vpcSubnets, securityGroups } = props.network;
    const { subnetIds, availabilityZones } = vpc.selectSubnets(vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS });
    enforce(scope.node.path, { zones: new Set(availabilityZones).size }, [
      {
        code: 'Millrace.EndpointZonesTooFew',
        subject: 'network.vpcSubnets',
        value: (input) => input.zones,
        valid: (zones: number) => zones >= Math.min(2, props.zones),
        allowed: 'subnets in two zones at least, so that a lost zone does not take the endpoint along',
        fix: 'select subnets in more zones, or state zones: 1',
      },
    ]);
    this.subnetIds = subnetIds;
    this.connections = new ec2.Connections({
      securityGroups: securityGroups ?? [
        new ec2.SecurityGroup(this, 'SecurityGroup', {
          vpc,
          // Without the construct path: a changed description replaces the group, and with it every instance.
          description: 'SageMaker endpoint',
          allowAllOutbound: false,
        }),
      ],
    });
  }

  /** The place as models and endpoint configurations take it. */
  public get config(): { subnets: string[]; securityGroupIds: string[] } {
    return { subnets: this.subnetIds, securityGroupIds: this.connections.securityGroups.map((group) => group.securityGroupId) };
  }
}
