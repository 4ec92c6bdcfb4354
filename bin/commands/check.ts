import * as fs from 'fs';
import * as path from 'path';
import { Assembly } from '../../lib/core/assembly';
import { Baseline, BASELINE_CONTEXT } from '../../lib/core/baseline';
import { refuse, show } from '../../lib/core/error';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { type Finding, FindingSeverity, type IUpdateRule, checkUpdate } from '../../lib/core/update-rule';
import { TagUpdateRules, frozenTagsOf } from '../../lib/cost/tag-update-rules';
import { FeastUpdateRules } from '../../lib/features/feast-update-rules';
import { FeatureUpdateRules } from '../../lib/features/feature-update-rules';
import { EndpointUpdateRules } from '../../lib/inference/endpoint-update-rules';
import { KserveUpdateRules } from '../../lib/inference/kserve-update-rules';
import { ConnectorUpdateRules } from '../../lib/streaming/connector-update-rules';
import { KafkaUpdateRules } from '../../lib/streaming/kafka-update-rules';
import { WorkloadUpdateRules } from '../../lib/workloads/workload-update-rules';
import { readProjectFile, refuseFile } from './project-files';

/** Options of `millrace check`. */
export interface CheckOptions {
  readonly templates: string;
  readonly manifests: string;
  readonly against?: string;
  readonly accept: boolean;
  readonly json: boolean;
}

/** The rules of every room: outside of an app nobody can say which rooms it uses. */
export function allUpdateRules(): IUpdateRule[] {
  return [
    ...StatefulUpdateRules.all(),
    ...TagUpdateRules.all(),
    ...KafkaUpdateRules.all(),
    ...ConnectorUpdateRules.all(),
    ...FeatureUpdateRules.all(),
    ...FeastUpdateRules.all(),
    ...EndpointUpdateRules.all(),
    ...KserveUpdateRules.all(),
    ...WorkloadUpdateRules.all(),
  ];
}

/** The baseline folder a project uses. */
export function baselineDirectory(): string {
  const directory = readProjectFile('cdk.json', JSON.parse)?.context?.[BASELINE_CONTEXT] ?? 'baseline';
  return typeof directory === 'string'
    ? directory
    : refuseFile('cdk.json', `${BASELINE_CONTEXT}: ${show(directory)}`, 'the path of a folder');
}

/** Reads a synthesis and refuses an empty one: an empty synthesis would make every resource look deleted. */
export function readSynthesis(folders: { readonly templates: string; readonly manifests: string }): Assembly {
  const assembly = Assembly.fromDirectories(folders);
  if (assembly.stacks.length === 0 && assembly.objects.length === 0) {
    refuse('millrace', {
      code: 'Millrace.NothingSynthesized',
      subject: `${folders.templates}, ${folders.manifests}`,
      received: 'no template and no manifest',
      allowed: 'the output of cdk synth, cdk8s synth or both',
      fix: 'synthesize first (millrace report --synth), or name the folders with --templates and --manifests',
    });
  }
  return assembly;
}

/**
 * The part of a baseline that can be compared. A folder that was not synthesized would make all of its half look removed, so that half is
 * left out, and named.
 */
export function comparable(
  before: Assembly,
  folders: { readonly templates: string; readonly manifests: string },
): { before: Assembly; leftOut: string[] } {
  const templates = before.stacks.length === 0 || fs.existsSync(folders.templates);
  const manifests = before.objects.length === 0 || fs.existsSync(folders.manifests);
  return {
    before: new Assembly({ stacks: templates ? before.stacks : [], objects: manifests ? before.objects : [] }),
    leftOut: [...(templates ? [] : [folders.templates]), ...(manifests ? [] : [folders.manifests])],
  };
}

/** Compares a synthesis with the accepted one. */
export function runCheck(options: CheckOptions, print: (text: string) => void): number {
  const after = readSynthesis(options);
  const directory = options.against ?? baselineDirectory();
  const accepted = options.against ? readAgainst(options.against) : Baseline.read(directory)?.assembly;
  const { before, leftOut } = accepted ? comparable(accepted, options) : { before: undefined, leftOut: [] };
  if (leftOut.length > 0) {
    refuse('millrace check', {
      code: 'Millrace.NothingSynthesized',
      subject: leftOut.join(', '),
      received: `no such folder, though ${directory} holds what was accepted of it`,
      allowed: 'a synthesis of both flavours, as accepted',
      fix: 'synthesize it too (millrace report --synth), or name it with --templates or --manifests',
    });
  }
  const findings = before ? checkUpdate(before, after, allUpdateRules()) : [];
  const refused = findings.filter((finding) => finding.severity === FindingSeverity.ERROR).length;
  if (options.accept) {
    Baseline.write(baselineDirectory(), after, frozenTagsOf(after), options.manifests);
  }
  if (options.json) {
    print(JSON.stringify({ baseline: before ? directory : null, accepted: options.accept, findings }, undefined, 2));
  } else {
    print(before ? `compared with ${directory}` : `no accepted synthesis in ${directory}: nothing to compare with`);
    for (const finding of findings) print(renderFinding(finding));
    print(`${refused} refused, ${findings.length - refused} to know`);
    const warning = refused > 0 ? `; the ${refused} refused above still act at deploy` : '';
    if (options.accept) print(`accepted: ${baselineDirectory()} now holds this synthesis${warning}; commit it`);
    else if (!before) print('write the baseline with millrace check --accept and commit it');
    else if (refused > 0) print('change it back, follow the fix, or accept it after review with millrace check --accept');
  }
  return refused > 0 && !options.accept ? 1 : 0;
}

/** A baseline folder, a cloud assembly, a folder of manifests, or a folder that holds cdk.out and cdk8s.out. */
function readAgainst(directory: string): Assembly {
  const baseline = Baseline.read(directory);
  if (baseline) return baseline.assembly;
  // A cloud assembly holds a file named cdk.out too.
  const isFolder = (name: string) => fs.statSync(path.join(directory, name), { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder('cdk.out') || isFolder('cdk8s.out')) {
    return readSynthesis({ templates: path.join(directory, 'cdk.out'), manifests: path.join(directory, 'cdk8s.out') });
  }
  // The assets of a cloud assembly may hold YAML files that are no manifests of the platform.
  const isCloudAssembly = fs.existsSync(path.join(directory, 'manifest.json'));
  return readSynthesis({ templates: directory, manifests: isCloudAssembly ? '' : directory });
}

/** A finding as two lines: what, and what to do. */
export function renderFinding(finding: Pick<Finding, 'severity' | 'code' | 'path' | 'message' | 'fix'>): string {
  return `  ${finding.severity.padEnd(7)} ${finding.code} ${finding.path}\n          ${finding.message}\n          fix: ${finding.fix}`;
}
