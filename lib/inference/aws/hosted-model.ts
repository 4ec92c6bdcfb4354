import type * as iam from 'aws-cdk-lib/aws-iam';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { type ModelSource, ModelSourceKind } from '../../models/model-source';
import { isArchive } from './model-location';

/** Properties of a model as SageMaker holds it. */
export interface HostedModelProps {
  readonly model: ModelSource;
  readonly role: iam.IRole;
  /**
   * Where its containers stand.
   * @default - isolated from every network
   */
  readonly vpcConfig?: sagemaker.CfnModel.VpcConfigProperty;
  /**
   * Serverless endpoints take neither a network nor isolation from it.
   * @default false
   */
  readonly serverless?: boolean;
}

/** A model of SageMaker, without a name of ours: every change makes another one, under another name, so that its endpoint follows. */
export class HostedModel extends Construct {
  /** Name that CloudFormation gave it. */
  public readonly modelName: string;

  constructor(scope: Construct, id: string, props: HostedModelProps) {
    super(scope, id);
    const { model, role, vpcConfig, serverless = false } = props;
    const resource = new sagemaker.CfnModel(this, 'Resource', {
      executionRoleArn: role.roleArn,
      enableNetworkIsolation: serverless || vpcConfig ? undefined : true,
      vpcConfig,
      ...(model.kind === ModelSourceKind.MODEL_PACKAGE
        ? { containers: [{ modelPackageName: model._modelPackageArn, environment: environmentOf(model) }] }
        : { primaryContainer: { image: model._image, environment: environmentOf(model), ...filesOf(model) } }),
    });
    // SageMaker looks at image and files as the role when the model is made.
    resource.node.addDependency(role);
    this.modelName = resource.attrModelName;
  }
}

function environmentOf({ _environment: environment }: ModelSource): { [name: string]: string } | undefined {
  return Object.keys(environment).length > 0 ? environment : undefined;
}

function filesOf(model: ModelSource): Pick<sagemaker.CfnModel.ContainerDefinitionProperty, 'modelDataUrl' | 'modelDataSource'> {
  const { _modelUri: s3Uri } = model;
  if (!s3Uri) return {};
  if (isArchive(model)) return { modelDataUrl: s3Uri };
  return { modelDataSource: { s3DataSource: { s3DataType: 'S3Prefix', compressionType: 'None', s3Uri } } };
}
