import type { IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport, PolicyViolation } from 'aws-cdk-lib';
import { assemblyOf } from '../core/assembly';
import { type Rule, enforce } from '../core/rule';
import { AllocationKeys } from './allocation-keys';
import { AllocationCoverage, type UncoveredResource } from './allocation-coverage';

/** A resource that is allowed to go without the required keys for a while. */
export interface TagExemption {
  /** Construct path (a trailing `/*` takes everything below it) or CloudFormation type. */
  readonly resource: string;
  /** Why nobody can be named as owner yet. */
  readonly reason: string;
  /** Last day on which it holds, `YYYY-MM-DD`, UTC. */
  readonly expires: string;
}

/** Options of the tag policy. */
export interface TagPolicyProps {
  /**
   * The vocabulary; its required keys are checked.
   * @default AllocationKeys.DEFAULT
   */
  readonly keys?: AllocationKeys;
  /**
   * Resources that may go without for now.
   * @default - none
   */
  readonly exemptions?: TagExemption[];
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
}

/**
 * Refuses templates in which something that costs money has no owner: a policy-validation plugin over the finished templates, nested
 * stacks included, whoever made the resources.
 *
 * @example
 * Validations.of(app).addPlugins(new TagPolicy());
 */
export class TagPolicy implements IPolicyValidationPlugin {
  /** Name shown in the validation report. */
  public readonly name = 'millrace-tag-policy';
  private readonly keys: AllocationKeys;
  private readonly exemptions: TagExemption[];

  /** @throws Millrace.TagExemptionInvalid */
  constructor(props: TagPolicyProps = {}) {
    this.keys = props.keys ?? AllocationKeys.DEFAULT;
    this.exemptions = props.exemptions ?? [];
    const rules = this.exemptions.flatMap((_exemption, index): Rule<TagExemption[]>[] => [
      {
        code: 'Millrace.TagExemptionInvalid',
        subject: `exemptions[${index}].reason`,
        value: (all) => all[index].reason,
        valid: (reason: string) => reason.trim().length >= 10,
        allowed: 'a reason of at least 10 characters',
        fix: 'say why no owner can be named yet',
      },
      {
        code: 'Millrace.TagExemptionInvalid',
        subject: `exemptions[${index}].expires`,
        value: (all) => all[index].expires,
        valid: isDate,
        allowed: 'a date as YYYY-MM-DD',
        fix: 'name the last day on which the exemption holds',
      },
    ]);
    enforce('TagPolicy', this.exemptions, rules);
  }

  /** Checks the finished templates. */
  public validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const coverage = AllocationCoverage.of(assemblyOf(context.stackTemplates), this.keys.required);
    const exempt = (resource: UncoveredResource) => this.exemptions.find((exemption) => covers(exemption, resource));
    const checked = coverage.uncovered.map((resource) => ({ resource, exemption: exempt(resource) }));
    return {
      success: checked.every(({ exemption }) => exemption && !isExpired(exemption)),
      // An exemption that holds is shown at every synth, so that nobody forgets what goes unowned.
      violations: checked.map(({ resource, exemption }) => toViolation(resource, exemption)),
      metadata: { coverage: coverage.summary, untaggable: String(coverage.untaggable.length) },
    };
  }
}

function covers(exemption: TagExemption, resource: UncoveredResource): boolean {
  if (exemption.resource === resource.type || exemption.resource === resource.path) return true;
  return exemption.resource.endsWith('/*') && resource.path.startsWith(exemption.resource.slice(0, -1));
}

function isExpired(exemption: TagExemption): boolean {
  return Date.now() >= Date.parse(exemption.expires) + 24 * 3600 * 1000;
}

function toViolation(resource: UncoveredResource, exemption?: TagExemption): PolicyViolation {
  const holds = exemption !== undefined && !isExpired(exemption);
  const until = exemption ? `; exempt ${holds ? 'until' : 'until it expired on'} ${exemption.expires} (${exemption.reason})` : '';
  return {
    ruleName: holds ? 'Millrace.TagExempt' : resource.code,
    description: `${resource.type} ${resource.path}: ${resource.problem}${until}`,
    fix: resource.fix,
    severity: holds ? 'info' : 'error',
    violatingResources: [{ resourceLogicalId: resource.logicalId, templatePath: resource.templateFile, locations: [] }],
  };
}
