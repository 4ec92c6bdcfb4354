import { Resource, Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import type { IModelEndpoint } from '../model-endpoint';
import { NAME, NAME_ALLOWED } from './hosting-rules';
import { ModelEndpointGrants } from './model-endpoint-grants';
import { ModelEndpointMetrics } from './model-endpoint-metrics';

/** What identifies an existing endpoint. */
export interface ModelEndpointAttributes {
  /** Its name; a token has to stand for one in small letters, as policies have it. */
  readonly endpointName: string;
  /**
   * Name of its first variant.
   * @default 'AllTraffic'
   */
  readonly variantName?: string;
  /**
   * Whether it works off a queue.
   * @default false
   */
  readonly asynchronous?: boolean;
}

/**
 * An endpoint that exists already.
 *
 * @throws Millrace.EndpointNameInvalid
 */
export class ImportedModelEndpoint extends Resource implements IModelEndpoint {
  /** Name of the endpoint. */
  public readonly endpointName: string;
  /** ARN of the endpoint. */
  public readonly endpointArn: string;
  /** Access to the endpoint. */
  public readonly grants: ModelEndpointGrants;
  /** Metrics for alarms and dashboards. */
  public readonly metrics: ModelEndpointMetrics;

  constructor(scope: Construct, id: string, props: ModelEndpointAttributes) {
    super(scope, id);
    enforce(this.node.path, props, [
      {
        code: 'Millrace.EndpointNameInvalid',
        subject: 'endpointName',
        value: ({ endpointName }) => endpointName,
        valid: (name: string) => NAME.test(name),
        allowed: NAME_ALLOWED,
        fix: 'give its name, not its ARN',
      },
    ]);
    this.endpointName = props.endpointName;
    // SageMaker writes the names of endpoints in small letters in ARNs. One that is known only at deploy time has to be in them already.
    const resourceName = Token.isUnresolved(props.endpointName) ? props.endpointName : props.endpointName.toLowerCase();
    this.endpointArn = Stack.of(this).formatArn({ service: 'sagemaker', resource: 'endpoint', resourceName });
    this.grants = new ModelEndpointGrants(this.endpointArn, props.asynchronous ?? false);
    this.metrics = new ModelEndpointMetrics(props.endpointName, props.variantName ?? 'AllTraffic');
  }
}
