import { DeleteRouteTableCommand } from '@aws-sdk/client-ec2';
import { HeadBucketCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { RETENTION, flowLogRoleDescription } from './app';
import { type Cdk, ENVIRONMENT } from './cdk';
import { ACCOUNT, REGION, type Moto } from './moto';
import { ZONES, describeNetwork } from './network';
import type { Report } from './report';
import { type Deployed, Services } from './resources';
import { Stacks } from './stacks';

const STACK = 'Network';
const ASSETS = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;
const UPDATE = ['-c', `${RETENTION.key}=${RETENTION.after}`];
// The default method of an update, a change set, fails in moto in four separate ways. At the first deploy `direct` also makes moto hand the
// tags of the stack on to its resources, as CloudFormation does.
const DEPLOY = ['deploy', STACK, '--require-approval', 'never', '--method=direct'];
// Without a method the diff asks for a change set, which moto fails to make and the command line waits 40 s for.
const DIFF = ['diff', STACK, '--fail', '--method=template'];
// Types that moto's CloudFormation deletes; of the others it forgets what it made.
const DELETED_BY_MOTO = ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::IAM::Role', 'AWS::IAM::Policy', 'AWS::Logs::LogGroup'];

/** What moto made of the types of a template. */
export interface TypesSeen {
  readonly asserted: string[];
  readonly tagged: string[];
  readonly acceptedOnly: string[];
}

/** Takes the network stack through its life with the real command line and asks the services what came of it. */
export class Rehearsal {
  private readonly services: Services;
  private readonly stacks: Stacks;
  private readonly s3: S3Client;

  constructor(
    moto: Moto,
    private readonly cdk: Cdk,
    private readonly report: Report,
    private readonly tags: Record<string, string>,
  ) {
    this.services = new Services(moto);
    this.stacks = new Stacks(moto);
    this.s3 = new S3Client({ ...moto.client, forcePathStyle: true });
  }

  public async bootstrap(): Promise<void> {
    await this.command('cdk bootstrap', ['bootstrap', ENVIRONMENT]);
    this.report.equal('CDKToolkit is complete', (await this.stacks.describe('CDKToolkit'))?.status, 'CREATE_COMPLETE');
    const bucket = await this.s3.send(new HeadBucketCommand({ Bucket: ASSETS }));
    this.report.equal('the bucket for assets exists', bucket.$metadata.httpStatusCode, 200);
  }

  /** Deploys the stack anew. @returns its resources */
  public async deploy(name = 'cdk deploy'): Promise<Deployed[]> {
    await this.command(name, DEPLOY);
    await this.stackIs('CREATE_COMPLETE');
    return this.stacks.resources(STACK);
  }

  public async inspect(deployed: Deployed[]): Promise<TypesSeen> {
    await this.templateIsPublished();
    const { roleDescription, ...network } = await describeNetwork(this.services, deployed);
    this.report.equal('the network is the one of the platform', network, {
      cidr: '10.20.0.0/16',
      privateZones: ZONES,
      publicZones: ZONES,
      natZones: ZONES,
      flowLog: { watchesVpc: true, writesToLogGroup: true },
      retentionInDays: RETENTION.before,
    });
    this.report.equal('the role of the flow log says what it is for', roleDescription, flowLogRoleDescription(RETENTION.before));
    return this.everyTypeExists(deployed);
  }

  public async update(before: Deployed[]): Promise<void> {
    await this.command('cdk diff, before the update, finds it', [...DIFF, ...UPDATE], 1, 'RetentionInDays');
    await this.command('cdk deploy, an update', [...DEPLOY, ...UPDATE]);
    await this.stackIs('UPDATE_COMPLETE');
    const after = await this.stacks.resources(STACK);
    const template = await this.stacks.template(STACK);
    const logGroup = before.find(({ type }) => type === 'AWS::Logs::LogGroup')!;
    this.report.equal('the new template is deployed', template.Resources[logGroup.logicalId].Properties.RetentionInDays, RETENTION.after);
    const kept = before.filter(({ logicalId }) => after.some((resource) => resource.logicalId === logicalId));
    this.report.equal('nothing is replaced', idsOf(after), idsOf(kept));
    const { roleDescription, retentionInDays } = await describeNetwork(this.services, before);
    this.report.equal('the role is changed in place', roleDescription, flowLogRoleDescription(RETENTION.after));
    const applied = retentionInDays === RETENTION.after ? 'applied' : 'accepted only';
    this.report.note(`retention of the log group: ${RETENTION.after} in the template, ${retentionInDays} in moto: ${applied}`);
    for (const lost of before.filter((resource) => !kept.includes(resource))) {
      this.report.note(`moto lost track of ${lost.type} ${lost.logicalId} at the update, so the first destroy says nothing about it`);
    }
    await this.command('cdk diff, after the update, finds nothing', [...DIFF, ...UPDATE], 0, 'There were no differences');
  }

  public async destroy(name = 'cdk destroy'): Promise<void> {
    const deployed = await this.stacks.resources(STACK);
    await this.deleteRouteTables(deployed);
    await this.command(name, ['destroy', STACK, '--force']);
    this.report.equal('the stack is gone', await this.stacks.describe(STACK), undefined);
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
    for (const { id } of tables) await this.services.ec2.send(new DeleteRouteTableCommand({ RouteTableId: id }));
    this.report.note(`${tables.length} AWS::EC2::RouteTable deleted by hand: moto leaves them and then refuses to delete their VPC`);
  }

  private async command(name: string, args: string[], code = 0, expected = ''): Promise<void> {
    await this.report.step(name, async () => {
      const result = await this.cdk.run(args);
      if (result.code === code && result.output.includes(expected)) return;
      throw new Error(`cdk ${args.join(' ')} ended with ${result.code}, not with ${code} and '${expected}':\n${result.output}`);
    });
  }

  private async stackIs(status: string): Promise<void> {
    const stack = await this.stacks.describe(STACK);
    this.report.equal(`${STACK} is ${status}`, stack?.status, status);
    this.report.equal(`${STACK} carries exactly its allocation as stack tags`, stack?.tags, this.tags);
  }

  private async templateIsPublished(): Promise<void> {
    const url = this.cdk.assembly().getStackByName(STACK).stackTemplateAssetObjectUrl;
    const template = await this.s3.send(new HeadObjectCommand({ Bucket: ASSETS, Key: url?.split('/').pop() }));
    this.report.equal('its template is in the bucket for assets', template.$metadata.httpStatusCode, 200);
  }

  private async everyTypeExists(deployed: Deployed[]): Promise<TypesSeen> {
    const declared = Object.values<{ Type: string }>(this.cdk.assembly().getStackByName(STACK).template.Resources);
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

function idsOf(resources: Deployed[]): string[] {
  return resources.map(({ id }) => id).sort();
}

function byType(resources: Deployed[]): Map<string, Deployed[]> {
  const types = [...new Set(resources.map(({ type }) => type))];
  return new Map(types.map((type) => [type, resources.filter((resource) => resource.type === type)]));
}

function pick(tags: Record<string, string>, keys: string[]): Record<string, string> {
  return Object.fromEntries(keys.filter((key) => key in tags).map((key) => [key, tags[key]]));
}
