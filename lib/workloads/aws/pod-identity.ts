import { Aws, Resource, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as eks from 'aws-cdk-lib/aws-eks';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { enforce } from '../../core/rule';

/** Properties of a pod identity. */
export interface PodIdentityProps {
  /** Name of the EKS cluster. It needs the EKS Pod Identity Agent add-on. */
  readonly clusterName: string;
  /** Kubernetes namespace of the pods. */
  readonly namespace: string;
  /** Service account of the pods. */
  readonly serviceAccountName: string;
  /**
   * Security groups of the pods or of their nodes; grants open the way from them.
   * @default - none: grants to resources in a VPC open no network
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
}

const CLUSTER_NAME = /^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$/;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/**
 * The AWS identity of pods on EKS: a role that EKS Pod Identity gives to one service account of one namespace of one cluster. Use it as the
 * grantee of any AWS resource; name the same service account in the workload.
 *
 * @throws Millrace.PodIdentityInvalid
 */
export class PodIdentity extends Resource implements iam.IGrantable, ec2.IConnectable {
  /** The role. */
  public readonly role: iam.IRole;
  /** Principal of the role. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Network of the pods. */
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, props: PodIdentityProps) {
    super(scope, id);
    enforce(this.node.path, props, [
      {
        code: 'Millrace.PodIdentityInvalid',
        subject: 'clusterName',
        value: (input) => input.clusterName,
        valid: (name: string) => CLUSTER_NAME.test(name),
        allowed: "the name of one EKS cluster: 1-100 letters, digits, '-' or '_', no wildcard",
        fix: 'use the name, not the ARN',
      },
      {
        code: 'Millrace.PodIdentityInvalid',
        subject: 'namespace',
        value: (input) => input.namespace,
        valid: (namespace: string) => DNS_LABEL.test(namespace),
        allowed: "a Kubernetes namespace: 1-63 lower-case letters, digits or '-'",
        fix: 'use the name of the namespace',
      },
      {
        code: 'Millrace.PodIdentityInvalid',
        subject: 'serviceAccountName',
        value: (input) => input.serviceAccountName,
        valid: (name: string) => DNS_SUBDOMAIN.test(name),
        allowed: 'a Kubernetes object name: lower-case DNS subdomain, no wildcard',
        fix: 'use the name of the service account',
      },
    ]);
    const clusterArn = Stack.of(this).formatArn({ service: 'eks', resource: 'cluster', resourceName: props.clusterName });
    this.role = new iam.Role(this, 'Role', {
      description: `Pods of ${props.namespace}/${props.serviceAccountName} on ${props.clusterName}`,
      // Without these conditions any association in the account could hand the role to other pods.
      assumedBy: new iam.SessionTagsPrincipal(
        new iam.ServicePrincipal('pods.eks.amazonaws.com', {
          conditions: {
            StringEquals: {
              'aws:SourceAccount': Aws.ACCOUNT_ID,
              'aws:RequestTag/kubernetes-namespace': props.namespace,
              'aws:RequestTag/kubernetes-service-account': props.serviceAccountName,
            },
            ArnEquals: { 'aws:SourceArn': clusterArn },
          },
        }),
      ),
    });
    this.grantPrincipal = this.role.grantPrincipal;
    this.connections = new ec2.Connections({ securityGroups: props.securityGroups ?? [] });
    new eks.CfnPodIdentityAssociation(this, 'Resource', {
      clusterName: props.clusterName,
      namespace: props.namespace,
      serviceAccount: props.serviceAccountName,
      roleArn: this.role.roleArn,
    });
    requireAllocation(this);
  }
}
