import * as cfn from '@aws-sdk/client-cloudformation';
import type { Moto } from './moto';
import type { Deployed } from './resources';

/** A stack as CloudFormation describes it. */
export interface DescribedStack {
  readonly status: string;
  readonly tags: Record<string, string>;
}

/** What CloudFormation says about the deployed stacks. */
export class Stacks {
  private readonly client: cfn.CloudFormationClient;

  constructor({ client }: Moto) {
    this.client = new cfn.CloudFormationClient(client);
  }

  /** A stack; `undefined` when there is none of that name. */
  public async describe(name: string): Promise<DescribedStack | undefined> {
    const answer = await this.client.send(new cfn.DescribeStacksCommand({ StackName: name })).catch(doesNotExist);
    const [stack] = answer?.Stacks ?? [];
    return stack && { status: stack.StackStatus!, tags: Object.fromEntries((stack.Tags ?? []).map(({ Key, Value }) => [Key, Value])) };
  }

  /** The template of the latest deploy. */
  public async template(name: string): Promise<Record<string, any>> {
    const { TemplateBody } = await this.client.send(new cfn.GetTemplateCommand({ StackName: name }));
    return JSON.parse(TemplateBody!);
  }

  /** The resources that moto keeps for a stack: fewer than in its template where it skipped or lost some. */
  public async resources(name: string): Promise<Deployed[]> {
    const { Resources } = await this.template(name);
    const { StackResources } = await this.client.send(new cfn.DescribeStackResourcesCommand({ StackName: name }));
    // A resource that moto skipped or lost is listed without an id.
    const kept = (StackResources ?? []).filter(({ LogicalResourceId, PhysicalResourceId }) => LogicalResourceId && PhysicalResourceId);
    return kept.map(({ LogicalResourceId, PhysicalResourceId }) => {
      const { Type, Properties, DeletionPolicy } = Resources[LogicalResourceId!];
      return {
        logicalId: LogicalResourceId!,
        type: Type,
        id: PhysicalResourceId!,
        properties: Properties ?? {},
        deletionPolicy: DeletionPolicy,
      };
    });
  }
}

function doesNotExist(error: Error): undefined {
  if (!error.message.includes('does not exist')) throw error;
}
