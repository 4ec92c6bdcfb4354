import { DeleteRouteTableCommand } from '@aws-sdk/client-ec2';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Cdk } from './cdk';
import { ACCOUNT, REGION, type Moto } from './moto';
import type { Report } from './report';
import { type Deployed, Services } from './resources';
import { Stacks } from './stacks';

export const ASSETS = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;
// Types that moto's CloudFormation deletes; of the others it forgets what it made.
const DELETED_BY_MOTO = [
  'AWS::EC2::VPC',
  'AWS::EC2::Subnet',
  'AWS::IAM::Role',
  'AWS::IAM::Policy',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::SageMaker::Endpoint',
  'AWS::SageMaker::EndpointConfig',
  'AWS::SageMaker::Model',
];

/** What moto made of the types of a template. */
export interface TypesSeen {
  readonly asserted: string[];
  readonly tagged: string[];
  readonly acceptedOnly: string[];
}

/** Takes one stack through its life with the real command line and asks the services what came of it. */
export class StackLife {
  protected readonly services: Services;
  protected readonly stacks: Stacks;
  protected readonly s3: S3Client;

  constructor(
    protected readonly stack: string,
    moto: Moto,
    protected readonly cdk: Cdk,
    protected readonly report: Report,
    private readonly tags: Record<string, string>,
  ) {
    this.services = new Services(moto);
    this.stacks = new Stacks(moto);
    this.s3 = new S3Client({ ...moto.client, forcePathStyle: true });
  }

  /** Deploys the stack anew. @returns its resources */
  public async deploy(name = `cdk deploy ${this.stack}`): Promise<Deployed[]> {
    await this.command(name, this.deployCommand);
    await this.stackIs('CREATE_COMPLETE');
    return this.stacks.resources(this.stack);
  }

  /** Whether the template was published, and its resources exist with the tags of their owner. */
  public async inspect(deployed: Deployed[]): Promise<TypesSeen> {
    await this.templateIsPublished();
    return this.everyTypeExists(deployed);
  }

  public async destroy(name = `cdk destroy ${this.stack}`): Promise<void> {
    const deployed = await this.stacks.resources(this.stack);
    await this.deleteRouteTables(deployed);
    await this.command(name, ['destroy', this.stack, '--force', '--exclusively']);
    this.report.equal('the stack is gone', await this.stacks.describe(this.stack), undefined);
    const left: string[] = [];
    for (const [type, resources] of byType(deployed)) {
      const found = await this.services.find(type, resources);
      if (DELETED_BY_MOTO.includes(type)) {
        const expected = resources.filter(({ deletionPolicy }) => deletionPolicy?.startsWith('Retain'));
        const fate = expected.length > 0 ? 'is kept, as its deletion policy says' : 'is gone';
        this.report.equal(`${type} ${fate}`, (found ?? []).map(({ id }) => id).sort(), idsOf(expected));
      } else if (found && found.length > 0) left.push(`${found.length} ${type}`);
    }
    if (left.length > 0) this.report.note(`moto forgets to delete: ${left.join(', ')}`);
  }

  /** moto's CloudFormation leaves route tables in place and then refuses to delete the VPC they are in. */
  private async deleteRouteTables(deployed: Deployed[]): Promise<void> {
    const tables = deployed.filter(({ type }) => type === 'AWS::EC2::RouteTable');
    if (tables.length === 0) return;
    for (const { id } of tables) await this.services.ec2.send(new DeleteRouteTableCommand({ RouteTableId: id }));
    this.report.note(`${tables.length} AWS::EC2::RouteTable deleted by hand: moto leaves them and then refuses to delete their VPC`);
  }

  // The default method of an update, a change set, fails in moto in four separate ways. At the first deploy `direct` also makes moto hand the
  // tags of the stack on to its resources, as CloudFormation does.
  protected get deployCommand(): string[] {
    return ['deploy', this.stack, '--require-approval', 'never', '--method=direct', '--exclusively'];
  }

  protected async command(name: string, args: string[], code = 0, expected = ''): Promise<void> {
    await this.report.step(name, async () => {
      const result = await this.cdk.run(args);
      if (result.code === code && result.output.includes(expected)) return;
      throw new Error(`cdk ${args.join(' ')} ended with ${result.code}, not with ${code} and '${expected}':\n${result.output}`);
    });
  }

  protected async stackIs(status: string): Promise<void> {
    const stack = await this.stacks.describe(this.stack);
    this.report.equal(`${this.stack} is ${status}`, stack?.status, status);
    this.report.equal(`${this.stack} carries exactly its allocation as stack tags`, stack?.tags, this.tags);
  }

  private async templateIsPublished(): Promise<void> {
    const url = this.cdk.assembly().getStackByName(this.stack).stackTemplateAssetObjectUrl;
    const template = await this.s3.send(new HeadObjectCommand({ Bucket: ASSETS, Key: url?.split('/').pop() }));
    this.report.equal('its template is in the bucket for assets', template.$metadata.httpStatusCode, 200);
  }

  private async everyTypeExists(deployed: Deployed[]): Promise<TypesSeen> {
    const declared = Object.values<{ Type: string }>(this.cdk.assembly().getStackByName(this.stack).template.Resources);
    const seen: TypesSeen = { asserted: [], tagged: [], acceptedOnly: [] };
    for (const type of new Set(declared.map(({ Type }) => Type))) {
      const resources = deployed.filter((resource) => resource.type === type);
      const found = resources.length > 0 ? await this.services.find(type, resources) : undefined;
      if (!found) {
        seen.acceptedOnly.push(type);
        continue;
      }
      seen.asserted.push(type);
      const count = declared.filter(({ Type }) => Type === type).length;
      const carriers = found.flatMap(({ tags }) => (tags ? [pick(tags, Object.keys(this.tags))] : []));
      this.report.equal(`${count} ${type} created`, found.length, count);
      if (carriers.length === 0) continue;
      seen.tagged.push(type);
      this.report.equal(`each ${type} carries the allocation`, carriers, Array(count).fill(this.tags));
    }
    return seen;
  }
}

export function idsOf(resources: Deployed[]): string[] {
  return resources.map(({ id }) => id).sort();
}

function byType(resources: Deployed[]): Map<string, Deployed[]> {
  const types = [...new Set(resources.map(({ type }) => type))];
  return new Map(types.map((type) => [type, resources.filter((resource) => resource.type === type)]));
}

function pick(tags: Record<string, string>, keys: string[]): Record<string, string> {
  return Object.fromEntries(keys.filter((key) => key in tags).map((key) => [key, tags[key]]));
}
