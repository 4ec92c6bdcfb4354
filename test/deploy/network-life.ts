import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { RETENTION, flowLogRoleDescription } from './app';
import { ENVIRONMENT } from './cdk';
import { ZONES, describeNetwork } from './network';
import type { Deployed } from './resources';
import { ASSETS, StackLife, type TypesSeen, idsOf } from './stack-life';

const UPDATE = ['-c', `${RETENTION.key}=${RETENTION.after}`];
// Without a method the diff asks for a change set, which moto fails to make and the command line waits 40 s for.
const DIFF = ['diff', 'Network', '--fail', '--method=template'];

/** The life of the network stack, with an update in place. */
export class NetworkLife extends StackLife {
  public async bootstrap(): Promise<void> {
    await this.command('cdk bootstrap', ['bootstrap', ENVIRONMENT]);
    this.report.equal('CDKToolkit is complete', (await this.stacks.describe('CDKToolkit'))?.status, 'CREATE_COMPLETE');
    const bucket = await this.s3.send(new HeadBucketCommand({ Bucket: ASSETS }));
    this.report.equal('the bucket for assets exists', bucket.$metadata.httpStatusCode, 200);
  }

  public override async inspect(deployed: Deployed[]): Promise<TypesSeen> {
    const seen = await super.inspect(deployed);
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
    return seen;
  }

  public async update(before: Deployed[]): Promise<void> {
    await this.command('cdk diff, before the update, finds it', [...DIFF, ...UPDATE], 1, 'RetentionInDays');
    await this.command('cdk deploy, an update', [...this.deployCommand, ...UPDATE]);
    await this.stackIs('UPDATE_COMPLETE');
    const after = await this.stacks.resources(this.stack);
    const template = await this.stacks.template(this.stack);
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
}
