import type { IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport, PolicyViolation } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { Assembly, type SynthesizedStack, assemblyOf } from './assembly';
import { Baseline } from './baseline';
import { MillraceError } from './error';
import { type Finding, FindingSeverity, type IUpdateRule, checkUpdate, registeredUpdateRules } from './update-rule';
import { StatefulUpdateRules } from './stateful-update-rules';

/** Options of the update guard. */
export interface UpdateGuardProps {
  /**
   * Rules beside those of the constructs in the app.
   * @default - the rules of every room that has a construct in the app, and those for stateful resources in general
   */
  readonly additionalRules?: IUpdateRule[];
  /**
   * Folder of the accepted synthesis.
   * @default - context `millrace:baseline`, else `baseline`
   */
  readonly baseline?: string;
}

/**
 * Refuses, at synth, an update that would silently lose data: a policy-validation plugin that compares the finished templates with the
 * committed baseline. `millrace check` runs the same rules outside of a synth and writes the baseline.
 */
export class UpdateGuard implements IPolicyValidationPlugin {
  /** Name shown in the validation report. */
  public readonly name = 'millrace-update-guard';

  constructor(private readonly props: UpdateGuardProps = {}) {}

  /** Compares the finished templates with the baseline. */
  public validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const directory = this.props.baseline ?? Baseline.directoryOf(context.appConstruct);
    const baseline = Baseline.read(directory);
    if (!baseline) {
      return { success: true, violations: [missing(directory, context.stackTemplates[0]?.stackConstructPath ?? '')] };
    }
    const after = assemblyOf(context.stackTemplates);
    const before = new Assembly({
      stacks: coversApp(context) ? baseline.assembly.stacks : sharedStacks(baseline.assembly, after),
      objects: [],
    });
    const findings = checkUpdate(before, after, this.rulesFor(context.appConstruct));
    return {
      success: !findings.some((finding) => finding.severity === FindingSeverity.ERROR),
      violations: findings.map(toViolation),
    };
  }

  /**
   * Compares written manifests with the baseline; `core.k8s.App` calls it at the end of a synth.
   *
   * @param app The app, or any construct of it.
   * @param manifests Folder of the manifests.
   * @param files Paths in that folder which this synth wrote; files of an earlier synth would hide what was removed since. All by default.
   * @throws the codes of the rules that refuse
   */
  public checkManifests(app: IConstruct, manifests: string, files?: string[]): void {
    const baseline = Baseline.read(this.props.baseline ?? Baseline.directoryOf(app));
    if (!baseline) return;
    const before = new Assembly({ stacks: [], objects: baseline.assembly.objects });
    const present = Assembly.fromDirectories({ manifests }).objects;
    const after = new Assembly({ stacks: [], objects: files ? present.filter(({ file }) => files.includes(file)) : present });
    const refused = checkUpdate(before, after, this.rulesFor(app)).filter((finding) => finding.severity === FindingSeverity.ERROR);
    if (refused.length === 0) return;
    const violations = refused.map(({ code, path: subject, message, fix }) => ({
      code,
      subject,
      received: message,
      allowed: 'updates that lose no data',
      fix: `${fix}; or accept it after review with millrace check --accept`,
    }));
    throw new MillraceError('update of the manifests', violations);
  }

  private rulesFor(app: IConstruct): IUpdateRule[] {
    return [...StatefulUpdateRules.all(), ...registeredUpdateRules(app), ...(this.props.additionalRules ?? [])];
  }
}

const STACK = Symbol.for('@aws-cdk/core.Stack');

/** Whether the templates are those of the whole app: a guard that was added to a stage is given that stage only. */
function coversApp({ appConstruct, stackTemplates }: IPolicyValidationContext): boolean {
  const stacks = appConstruct.node
    .findAll()
    .filter((construct) => STACK in construct && !(construct as { nestedStackParent?: unknown }).nestedStackParent);
  return stackTemplates.length >= stacks.length;
}

/** The accepted stacks that are there now, each with everything that was nested in it. */
function sharedStacks(before: Assembly, after: Assembly): SynthesizedStack[] {
  const present = new Set(after.stacks.map(({ id }) => id));
  return before.stacks.filter(({ id }) => present.has(id.split('/')[0]));
}

function missing(directory: string, constructPath: string): PolicyViolation {
  return {
    ruleName: 'Millrace.BaselineMissing',
    description: `no accepted synthesis in ${directory}, so no update can be compared with it`,
    fix: 'review the templates, write it with millrace check --accept, and commit it',
    severity: FindingSeverity.WARNING,
    violatingResources: [{ constructPath, locations: [] }],
  };
}

function toViolation(finding: Finding): PolicyViolation {
  return {
    ruleName: finding.code,
    description: `${finding.path}: ${finding.message}`,
    fix: finding.fix,
    severity: finding.severity,
    violatingResources: [
      finding.logicalId && finding.templateFile
        ? { resourceLogicalId: finding.logicalId, templatePath: finding.templateFile, locations: [] }
        : { constructPath: finding.path, locations: [] },
    ],
  };
}
