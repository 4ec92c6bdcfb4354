import * as fs from 'fs';
import * as path from 'path';
import type { Assembly } from '../../lib/core/assembly';
import { Baseline } from '../../lib/core/baseline';
import { WARNING_ANNOTATION } from '../../lib/core/retention';
import { Sizing } from '../../lib/core/sizing';
import { checkUpdate } from '../../lib/core/update-rule';
import { AllocationCoverage } from '../../lib/cost/allocation-coverage';
import { AllocationKeys } from '../../lib/cost/allocation-keys';
import { allUpdateRules, baselineDirectory, comparable, readSynthesis, renderFinding } from './check';
import { synthesizeApps } from './synthesize';

/** Options of `millrace report`. */
export interface ReportOptions {
  readonly templates: string;
  readonly manifests: string;
  readonly synth: boolean;
  readonly json: boolean;
  /** Required keys of the project's vocabulary. @default - team, service, cost-center, environment */
  readonly keys?: string[];
}

interface SizedThing {
  readonly path: string;
  readonly choice: string;
  readonly bottleneck: string;
  readonly used?: number;
  readonly reason: string;
}

interface ReportedFinding {
  readonly severity: string;
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly fix: string;
}

/** Prints what a synthesized platform is; the exit code is 1 when anything is refused. */
export function runReport(options: ReportOptions, print: (text: string) => void): number {
  const failed = options.synth ? synthesizeApps(options).filter((result) => !result.ok) : [];
  const failures = failed.map(({ app, output }) => {
    // A failed validation leaves an assembly behind whose report says more than the error; anything else leaves nothing to report on.
    const validated = output.includes('ValidationFailed') && fs.existsSync(path.join(options.templates, 'validation-report.json'));
    return { app, validated, message: validated ? 'its validation failed: see the findings below' : essence(output) };
  });
  const refusedApps = failures.map(({ app, message }) => ({ app, message }));
  if (!options.json) for (const { app, message } of refusedApps) print(`refused: ${app}\n${message}\n`);
  if (failures.length > 0 && !failures.some(({ validated }) => validated)) {
    if (options.json) print(JSON.stringify({ refused: refusedApps }, undefined, 2));
    return 1;
  }
  const assembly = readSynthesis(options);
  const sized = sizedThings(assembly);
  const coverage = AllocationCoverage.of(assembly, options.keys ?? AllocationKeys.DEFAULT.required);
  const baseline = Baseline.read(baselineDirectory());
  const findings = collectFindings(options, assembly, coverage, baseline);
  const refused = findings.filter((finding) => finding.severity === 'error').length;
  if (options.json) {
    const { summary, taggable, objects, uncovered, untaggable } = coverage;
    print(
      JSON.stringify(
        { refused: refusedApps, sized, coverage: { summary, taggable, objects, uncovered, untaggable }, findings },
        undefined,
        2,
      ),
    );
  } else {
    printSized(sized, print);
    printCoverage(coverage, print);
    print(`Findings${baseline ? ` (compared with ${baselineDirectory()}/)` : ''}`);
    if (!baseline && !findings.some(({ code }) => code === 'Millrace.BaselineMissing'))
      print(`  warning no accepted synthesis in ${baselineDirectory()}/: write it with millrace check --accept and commit it`);
    for (const finding of findings) print(renderFinding(finding as never));
    print(findings.length === 0 ? '  none\n' : `  ${refused} refused, ${findings.length - refused} to know\n`);
    printFiles(options, assembly, print);
  }
  return refused > 0 || failures.length > 0 ? 1 : 0;
}

/** The message of an uncaught error without its stack: what a reader needs to fix the input. */
function essence(output: string): string {
  const lines = output.split('\n').filter((line) => !/^\s+at |^Node\.js v|^\s+\.\.\./.test(line));
  // Node prints the line of source that threw before the error, and that line may hold a code as well.
  const named = lines.findIndex((line) => /^\S*Error\b|^«/.test(line));
  const start = named >= 0 ? named : lines.findIndex((line) => /Millrace\.\w+/.test(line));
  return lines.slice(Math.max(0, start)).join('\n').trim();
}

function sizedThings(assembly: Assembly): SizedThing[] {
  const thing = (where: string, record: any): SizedThing => ({
    path: where,
    choice: record.choice,
    bottleneck: record.bottleneck,
    used: record.utilisation?.[record.bottleneck],
    reason: record.reason,
  });
  const resources = assembly.stacks.flatMap((stack) =>
    stack.resources
      .filter((resource) => resource.metadata[Sizing.RECORD_KEY])
      .map((resource) => thing(resource.path.replace(/\/Resource$/, ''), resource.metadata[Sizing.RECORD_KEY])),
  );
  const objects = assembly.objects
    .filter((object) => object.manifest.metadata?.annotations?.[Sizing.RECORD_KEY])
    .map((object) => thing(object.id, JSON.parse(object.manifest.metadata.annotations[Sizing.RECORD_KEY])));
  return [...resources, ...objects];
}

function collectFindings(options: ReportOptions, assembly: Assembly, coverage: AllocationCoverage, baseline?: Baseline): ReportedFinding[] {
  const fromPlugins = pluginFindings(path.join(options.templates, 'validation-report.json'));
  const policyRan = fromPlugins.plugins.has('millrace-tag-policy');
  const guardRan = fromPlugins.plugins.has('millrace-update-guard');
  const uncovered = coverage.uncovered
    .filter((resource) => !policyRan || resource.templateFile === undefined)
    .map((resource) => ({ severity: 'error', code: resource.code, path: resource.path, message: resource.problem, fix: resource.fix }));
  const updates = (baseline ? checkUpdate(comparable(baseline.assembly, options).before, assembly, allUpdateRules()) : []).filter(
    (finding) => !guardRan || finding.templateFile === undefined,
  );
  const warnings = assembly.objects.flatMap((object) => {
    const text: string | undefined = object.manifest.metadata?.annotations?.[WARNING_ANNOTATION];
    const [, code, message] = /^(\S+): (.*)$/.exec(text ?? '') ?? [];
    return text
      ? [{ severity: 'warning', code: code ?? 'Millrace.Warning', path: object.id, message: message ?? text, fix: 'see the message' }]
      : [];
  });
  return [...fromPlugins.findings, ...uncovered, ...updates, ...warnings];
}

/** What the validation plugins of the app said: CloudFormation validation, annotations, the tag policy, the update guard, others. */
function pluginFindings(file: string): { plugins: Set<string>; findings: ReportedFinding[] } {
  if (!fs.existsSync(file)) return { plugins: new Set(), findings: [] };
  const reports: any[] = JSON.parse(fs.readFileSync(file, 'utf8')).pluginReports ?? [];
  const findings = reports.flatMap((report) =>
    (report.violations ?? []).map((violation: any) => ({
      severity: violation.severity ?? 'error',
      code: violation.ruleName,
      path: violation.violatingConstructs?.[0]?.constructPath ?? report.pluginName,
      message: violation.description,
      fix: violation.fix ?? violation.suggestedFix ?? `see rule ${violation.ruleName}`,
    })),
  );
  return { plugins: new Set(reports.map((report) => report.pluginName)), findings };
}

function printSized(sized: SizedThing[], print: (text: string) => void): void {
  print('Sized');
  const width = (key: 'path' | 'choice') => Math.max(0, ...sized.map((thing) => thing[key].length));
  for (const thing of sized) {
    const limit = thing.used === undefined ? thing.bottleneck : `limit: ${thing.bottleneck}, ${Math.round(thing.used * 100)} % used`;
    print(`  ${thing.path.padEnd(width('path'))}  ${thing.choice.padEnd(width('choice'))}  ${limit}`);
    print(`    ${thing.reason}`);
  }
  print(sized.length === 0 ? '  nothing is sized by millrace\n' : '');
}

function printCoverage(coverage: AllocationCoverage, print: (text: string) => void): void {
  print('Cost allocation');
  for (const part of coverage.summary.split('; ')) print(`  ${part}`);
  const byType = new Map<string, { count: number; route: string }>();
  for (const { type, route } of coverage.untaggable) byType.set(type, { count: (byType.get(type)?.count ?? 0) + 1, route });
  if (byType.size > 0) print(`  ${coverage.untaggable.length} cannot carry tags:`);
  for (const [type, { count, route }] of [...byType].sort(([a], [b]) => (a < b ? -1 : 1))) print(`    ${count} x ${type}: ${route}`);
  print('');
}

function printFiles(options: ReportOptions, assembly: Assembly, print: (text: string) => void): void {
  print('Files');
  for (const stack of assembly.stacks) print(`  ${path.relative('', stack.templateFile)}`);
  for (const file of new Set(assembly.objects.map((object) => object.file))) print(`  ${path.join(options.manifests, file)}`);
}
