import * as iam from 'aws-cdk-lib/aws-iam';

/** Access to one pipeline. */
export class TrainingPipelineGrants {
  constructor(private readonly pipelineArn: string) {}

  /** Lets a principal start the pipeline and follow its executions. */
  public start(grantee: iam.IGrantable): iam.Grant {
    const follow = iam.Grant.addToPrincipal({
      grantee,
      actions: ['sagemaker:DescribePipelineExecution', 'sagemaker:ListPipelineExecutionSteps', 'sagemaker:StopPipelineExecution'],
      resourceArns: [`${this.pipelineArn}/execution/*`],
    });
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['sagemaker:StartPipelineExecution', 'sagemaker:DescribePipeline', 'sagemaker:ListPipelineExecutions'],
      resourceArns: [this.pipelineArn],
    }).combine(follow);
  }
}
