import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { type ResourcePair, pairedResources } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

/** What a change says to a reader. */
export interface Complaint {
  readonly message: string;
  readonly fix: string;
}

/** A rule that looks at each MSK cluster by itself. */
export class MskClusterRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly complaint: (pair: ResourcePair) => Complaint | undefined,
    private readonly severity = FindingSeverity.ERROR,
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after, 'AWS::MSK::Cluster').flatMap((pair) => {
      const complaint = this.complaint(pair);
      return complaint ? [{ code: this.id, severity: this.severity, ...placeOf(pair.stackAfter, pair.after), ...complaint }] : [];
    });
  }
}

/** Where a finding about a resource stands. */
export function placeOf(stack: SynthesizedStack, resource: SynthesizedResource): Pick<Finding, 'path' | 'templateFile' | 'logicalId'> {
  return { path: resource.path, templateFile: stack.templateFile, logicalId: resource.logicalId };
}

/** The settings of a cluster's configuration: other settings make another revision, which the template shows only as an attribute. */
export function settingsOf(cluster: SynthesizedResource, stack: SynthesizedStack): unknown {
  const configuration = cluster.properties.ConfigurationInfo?.Arn?.['Fn::GetAtt']?.[0];
  return stack.resources.find((resource) => resource.logicalId === configuration)?.properties.ServerProperties;
}

/** Whether a resource refers to another one of its stack, in whatever property. */
export function refersTo(resource: SynthesizedResource, logicalId: string): boolean {
  return JSON.stringify(resource.properties).includes(`"${logicalId}"`);
}
