import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { HELD, WITHOUT_CUSTOM_RESOURCES } from './app';
import { Cdk } from './cdk';
import { type Held, heldBy, synthesizePlatform, typesOf } from './held';
import { INSTALL, Moto, isMotoInstalled } from './moto';
import { endGroupsOnExit } from './process-groups';
import { Rehearsal, type TypesSeen } from './rehearsal';
import { Report } from './report';

const LIMIT_MINUTES = 5;

async function rehearse(folder: string, report: Report): Promise<void> {
  const moto = await report.step('moto, fresh', () => Moto.start(folder));
  const platform = await report.step('synthesis of the whole platform', () =>
    synthesizePlatform(path.join(folder, 'platform'), WITHOUT_CUSTOM_RESOURCES),
  );
  const held = await heldBy(moto, platform);
  report.equal('the stacks that moto can hold are the listed ones', held.stacks, HELD);

  const network = platform.getStackByName('Network');
  const rehearsal = new Rehearsal(moto, new Cdk(folder, moto), report, network.tags);
  await rehearsal.bootstrap();
  const deployed = await rehearsal.deploy();
  report.equal(
    'the resources are those of the platform',
    deployed.map(({ logicalId }) => logicalId).sort(),
    Object.keys(network.template.Resources).sort(),
  );
  const seen = await rehearsal.inspect(deployed);
  await rehearsal.update(deployed);
  await rehearsal.destroy();
  await rehearsal.deploy('cdk deploy, once more');
  await rehearsal.destroy('cdk destroy, once more');
  const asIs = synthesizePlatform(path.join(folder, 'platform-as-is')).getStackByName('Network');
  summarize(
    seen,
    left,
    typesOf(asIs).filter((type) => !typesOf(network).includes(type)),
  );
}

function summarize(seen: TypesSeen, held: Held, withoutHere: string[]): void {
  const untagged = seen.asserted.filter((type) => !seen.tagged.includes(type));
  console.log(`Really created and carrying the allocation: ${seen.tagged.join(', ')}`);
  console.log(`Really created, without tags or with tags that moto does not show: ${untagged.join(', ')}`);
  console.log(`Accepted only, moto shows them nowhere: ${seen.acceptedOnly.join(', ')}`);
  console.log(`Left out of Network, because moto runs Lambda functions in containers: ${withoutHere.join(', ')}`);
  console.log(`Skipped by moto wherever they stand in the platform: ${held.skipped.join(', ')}`);
  for (const { stack, reasons } of held.leftOut) console.log(`Left out, ${stack}: ${reasons.join('; ')}`);
}

async function main(): Promise<boolean> {
  if (!(await isMotoInstalled())) {
    console.error(INSTALL);
    return false;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-deploy-'));
  const report = new Report();
  let complete = false;
  try {
    await rehearse(folder, report);
    complete = true;
  } catch (error) {
    console.error((error as Error).message);
  }
  const good = report.finish() && complete;
  if (good) fs.rmSync(folder, { recursive: true, force: true });
  else console.error(`kept for a look: ${folder}`);
  return good;
}

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
endGroupsOnExit();
setTimeout(() => {
  console.error(`stopped after ${LIMIT_MINUTES} minutes`);
  process.exit(1);
}, LIMIT_MINUTES * 60_000);
main().then(
  (good) => process.exit(good ? 0 : 1),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
