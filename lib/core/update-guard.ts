import * as path from 'path';
import type { IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport, PolicyViolation } from 'aws-cdk-lib';
import { Assembly } from './assembly';
import { Baseline } from './baseline';
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
      return {
        success: true,
        violations: [],
        metadata: { 'Millrace.BaselineMissing': `no accepted synthesis in ${directory}; write one with millrace check --accept` },
      };
    }
    const after = new Assembly({
      stacks: [...new Set(context.stackTemplates.map((stack) => path.dirname(stack.templatePath)))].flatMap(
        (templates) => Assembly.fromDirectories({ templates }).stacks,
      ),
      objects: [],
    });
    const before = new Assembly({ stacks: baseline.assembly.stacks, objects: [] });
    const rules = [...StatefulUpdateRules.all(), ...registeredUpdateRules(context.appConstruct), ...(this.props.additionalRules ?? [])];
    const findings = checkUpdate(before, after, rules);
    return {
      success: !findings.some((finding) => finding.severity === FindingSeverity.ERROR),
      violations: findings.map(toViolation),
    };
  }
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
