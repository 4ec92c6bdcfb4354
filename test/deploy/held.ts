import { App, Validations } from 'aws-cdk-lib';
import type { CloudAssembly, CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import * as fs from 'fs';
import * as path from 'path';
import { buildPlatform } from '../../bin/platform';
import type { Moto } from './moto';

/** What the emulator can hold of the platform. */
export interface Held {
  /** Names of the stacks that can be deployed. */
  readonly stacks: string[];
  /** The others, with the reasons. */
  readonly leftOut: { readonly stack: string; readonly reasons: string[] }[];
  /** Types that moto skips while the stack says complete. */
  readonly skipped: string[];
}

/** Synthesizes the whole platform with the context of `cdk.json` and what is given beside it. */
export function synthesizePlatform(outdir: string, context: Record<string, unknown> = {}): CloudAssembly {
  const cdkJson = JSON.parse(fs.readFileSync(path.join(__dirname, '..', '..', 'cdk.json'), 'utf8'));
  const app = new App({
    outdir,
    context: { ...cdkJson.context, 'millrace:baseline': path.join(outdir, 'no-baseline'), ...context },
    builtinCloudFormationValidation: false,
  });
  Validations.of(app).acknowledge({
    id: 'millrace-update-guard::Millrace.BaselineMissing',
    reason: 'a variant for the emulator is not to be compared with the accepted platform',
  });
  buildPlatform(app);
  return app.synth();
}

/** Finds out from the templates and from what moto says about their types. */
export async function heldBy(moto: Moto, platform: CloudAssembly): Promise<Held> {
  const skipped = await moto.skipped([...new Set(platform.stacks.flatMap(typesOf))]);
  const leftOut: { stack: string; reasons: string[] }[] = [];
  // An assembly lists a stack after those it depends on.
  for (const stack of platform.stacks) {
    const missing = stack.dependencies.map(({ id }) => id).filter((id) => leftOut.some(({ stack: left }) => left === id));
    const reasons = [...ownReasons(stack, skipped), ...missing.map((id) => `depends on ${id}`)];
    if (reasons.length > 0) leftOut.push({ stack: stack.stackName, reasons });
  }
  const stacks = platform.stacks.map(({ stackName }) => stackName).filter((name) => !leftOut.some(({ stack }) => stack === name));
  return { stacks, leftOut, skipped };
}

/** The resource types of a template. */
export function typesOf(stack: CloudFormationStackArtifact): string[] {
  return [...new Set(Object.values<{ Type: string }>(stack.template.Resources).map(({ Type }) => Type))];
}

function ownReasons(stack: CloudFormationStackArtifact, skipped: string[]): string[] {
  const types = typesOf(stack);
  const custom = types.filter((type) => type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource');
  const asked = new Set(getAttTargets(stack.template).map((logicalId) => stack.template.Resources[logicalId]?.Type));
  const unanswered = skipped.filter((type) => types.includes(type) && asked.has(type));
  return [
    ...unanswered.map((type) => `GetAtt on ${type}, which moto skips`),
    ...custom.map((type) => `${type}, whose Lambda moto runs in a container`),
  ];
}

function getAttTargets(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    if (key !== 'Fn::GetAtt') return getAttTargets(child);
    return [Array.isArray(child) ? child[0] : String(child).split('.')[0]];
  });
}
