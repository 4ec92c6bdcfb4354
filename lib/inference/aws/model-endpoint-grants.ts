import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';

/** What a caller may do. */
export interface InvokeOptions {
  /**
   * Whether it may also have the answer as a stream, which is an action of its own.
   * @default false
   */
  readonly streaming?: boolean;
}

/** Access to one endpoint. */
export class ModelEndpointGrants {
  /**
   * @param endpointArn ARN of the endpoint.
   * @param asynchronous Whether it works off a queue.
   * @param bucket Bucket of an asynchronous endpoint, where it is known.
   * @param prefix Beginning of all keys of the endpoint in that bucket, with a `/` at its end.
   */
  constructor(
    private readonly endpointArn: string,
    private readonly asynchronous: boolean,
    private readonly bucket?: s3.IBucket,
    private readonly prefix: string = '',
  ) {}

  /**
   * Lets a principal ask this endpoint. For an asynchronous one that means to put requests below `<endpoint>/input/` of its bucket, to hand
   * them in, and to read answers and failures.
   */
  public invoke(grantee: iam.IGrantable, options: InvokeOptions = {}): iam.Grant {
    const actions = this.asynchronous ? ['sagemaker:InvokeEndpointAsync'] : ['sagemaker:InvokeEndpoint'];
    if (options.streaming && !this.asynchronous) actions.push('sagemaker:InvokeEndpointWithResponseStream');
    const grant = iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [this.endpointArn] });
    const { bucket, prefix } = this;
    if (!bucket) return grant;
    return grant
      .combine(bucket.grantPut(grantee, `${prefix}input/*`))
      .combine(bucket.grantRead(grantee, `${prefix}output/*`))
      .combine(bucket.grantRead(grantee, `${prefix}failure/*`));
  }
}
