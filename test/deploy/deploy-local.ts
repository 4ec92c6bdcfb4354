import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { HELD, MODEL_VERSION, WITHOUT_CUSTOM_RESOURCES } from './app';
import { Cdk } from './cdk';
import { type Held, heldBy, synthesizePlatform, typesOf } from './held';
import { INSTALL, Moto, isMotoInstalled } from './moto';
import { endGroupsOnExit } from './process-groups';
import { NetworkLife } from './network-life';
import { PredictionLife } from './prediction-life';
import { Report } from './report';
import type { TypesSeen } from './stack-life';

const LIMIT_MINUTES = 5;

async function rehearse(folder: string, report: Report): Promise<void> {
  const moto = await report.step('moto, fresh', () => Moto.start(folder));
  const platform = await report.step('synthesis of the whole platform', () =>
    synthesizePlatform(path.join(folder, 'platform'), WITHOUT_CUSTOM_RESOURCES),
  );
  const held = await heldBy(moto, platform);
  report.equal('the stacks that moto can hold are the listed ones', held.stacks, HELD);

  const network = platform.getStackByName('Network');
  const cdk = new Cdk(folder, moto);
  const rehearsal = new NetworkLife('Network', moto, cdk, report, network.tags);
  await rehearsal.bootstrap();
  const deployed = await rehearsal.deploy();
  const { Resources } = cdk.assembly().getStackByName('Network').template;
  report.equal('its template has the resources of the platform', Object.keys(Resources), Object.keys(network.template.Resources));
  const seen = await rehearsal.inspect(deployed);
  await rehearsal.update(deployed);
  await rehearsal.destroy();
  await rehearsal.deploy('cdk deploy, once more');
  await rehearsal.destroy('cdk destroy, once more');
  const prediction = platform.getStackByName('Prediction');
  const life = new PredictionLife('Prediction', moto, cdk, report, prediction.tags);
  const made = await life.deploy();
  const seenToo = await life.inspect(made);
  await life.serves(MODEL_VERSION.before);
  await life.update(made);
  await life.destroy();
  const asIs = synthesizePlatform(path.join(folder, 'platform-as-is')).getStackByName('Network');
  const withoutHere = typesOf(asIs).filter((type) => !typesOf(network).includes(type));
  summarize(merged(seen, seenToo), held, withoutHere);
}

function merged(first: TypesSeen, second: TypesSeen): TypesSeen {
  const both = (types: keyof TypesSeen) => [...new Set([...first[types], ...second[types]])];
  return { asserted: both('asserted'), tagged: both('tagged'), acceptedOnly: both('acceptedOnly') };
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

async function main(): Promise<void> {
  if (!(await isMotoInstalled())) {
    console.error(INSTALL);
    process.exit(1);
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-deploy-'));
  const report = new Report();
  process.on('exit', () => {
    if (report.good) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  const late = sleep(LIMIT_MINUTES * 60_000).then(() => Promise.reject(new Error(`stopped after ${LIMIT_MINUTES} minutes`)));
  await Promise.race([rehearse(folder, report), late]).catch((error: Error) => report.abandon(error));
  if (!report.good) console.log(`Kept for a look: ${folder}`);
  report.finish();
  process.exit(report.good ? 0 : 1);
}

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
endGroupsOnExit();
void main();
