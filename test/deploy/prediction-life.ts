import { DescribeEndpointCommand, DescribeEndpointConfigCommand, DescribeModelCommand } from '@aws-sdk/client-sagemaker';
import { MODEL_VERSION } from './app';
import type { Deployed } from './resources';
import { StackLife } from './stack-life';

const UPDATE = ['-c', `${MODEL_VERSION.key}=${MODEL_VERSION.after}`];

/** The life of the prediction stack, with a new version of its model. */
export class PredictionLife extends StackLife {
  /** Whether the endpoint serves a model of some version through its configuration, as SageMaker tells it. */
  public async serves(version: string): Promise<void> {
    this.report.equal('the endpoint serves the model of its version', await this.uriOf(await this.modelOfEndpoint()), uriOf(version));
  }

  public async update(before: Deployed[]): Promise<void> {
    await this.command('cdk deploy, a new version of the model', [...this.deployCommand, ...UPDATE]);
    await this.stackIs('UPDATE_COMPLETE');
    const after = await this.stacks.resources(this.stack);
    const anew = after.filter(({ logicalId, id }) => before.some((other) => other.logicalId === logicalId && other.id !== id));
    const model = anew.find(({ type }) => type === 'AWS::SageMaker::Model');
    this.report.equal('the model is made anew, under another name', await this.uriOf(model?.id), uriOf(MODEL_VERSION.after));
    const unfollowed = anew.every(({ type }) => type !== 'AWS::SageMaker::EndpointConfig');
    if (unfollowed)
      this.report.note('moto does not update what refers to a replaced resource, so the endpoint keeps its configuration here');
  }

  private async modelOfEndpoint(): Promise<string | undefined> {
    const deployed = await this.stacks.resources(this.stack);
    const endpoint = deployed.find(({ type }) => type === 'AWS::SageMaker::Endpoint');
    const { sagemaker } = this.services;
    const { EndpointConfigName } = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: nameIn(endpoint?.id) }));
    const { ProductionVariants } = await sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName }));
    return ProductionVariants?.[0].ModelName;
  }

  private async uriOf(model: string | undefined): Promise<string | undefined> {
    const { PrimaryContainer } = await this.services.sagemaker.send(new DescribeModelCommand({ ModelName: nameIn(model) }));
    return PrimaryContainer?.ModelDataSource?.S3DataSource?.S3Uri;
  }
}

function uriOf(version: string): string {
  return `s3://example-models/radar/${version}/`;
}

/** moto's physical ids are ARNs. */
function nameIn(id: string | undefined): string | undefined {
  return id?.split('/').pop();
}
