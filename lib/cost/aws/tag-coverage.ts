import { CfnResource, type IAspect, Stack, TagManager } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { appliedAllocation } from '../applied-allocation';
import { mergeTags, tagLocation } from '../tag-spec';
import { carriedByStack } from './tag-carrier';

/**
 * Properties of a resource as they stand in the template. The typed fields would miss raw resources, escape hatches and lazies, so this
 * asks the resource to render itself as synthesis does.
 */
export function renderedProperties(resource: CfnResource): Record<string, any> {
  const rendered = Stack.of(resource).resolve(resource._toCloudFormation()).Resources;
  return (Object.values(rendered)[0] as { Properties?: Record<string, any> }).Properties ?? {};
}

/**
 * Carries an allocation to what `Tags.of` misses: instances and volumes of launch templates, volumes of instances, tasks of ECS services,
 * replicas of global tables, and resources without a tag manager.
 */
export class TagCoverage implements IAspect {
  public visit(node: IConstruct): void {
    if (!CfnResource.isCfnResource(node)) return;
    const applied = appliedAllocation(node);
    if (!applied) return;
    const tags = applied.allocation.tags();
    switch (node.cfnResourceType) {
      case 'AWS::EC2::LaunchTemplate':
        return coverLaunchTemplate(node, tags);
      case 'AWS::EC2::Instance':
        if (renderedProperties(node).PropagateTagsToVolumeOnCreation === undefined) {
          node.addPropertyOverride('PropagateTagsToVolumeOnCreation', true);
        }
        return;
      case 'AWS::ECS::Service':
        return coverEcsService(node);
      case 'AWS::DynamoDB::GlobalTable':
        return coverReplicas(node, tags);
      default:
        if (!carriedByStack(applied)) coverUnmanaged(node, tags);
    }
  }
}

interface TagSpecification {
  readonly ResourceType: string;
  readonly Tags: { Key: string; Value: unknown }[];
}

function coverLaunchTemplate(node: CfnResource, tags: Record<string, string>): void {
  const data = renderedProperties(node).LaunchTemplateData ?? {};
  // An intrinsic as a whole cannot be added to; the tag policy reports it.
  if (data.TagSpecifications !== undefined && !Array.isArray(data.TagSpecifications)) return;
  const present: TagSpecification[] = data.TagSpecifications ?? [];
  const launched = ['instance', 'volume', 'network-interface'];
  // EC2 refuses a tag specification for a spot request on an on-demand launch.
  if (data.InstanceMarketOptions?.MarketType === 'spot') launched.push('spot-instances-request');
  const specifications = launched.map((resourceType) => ({
    ResourceType: resourceType,
    Tags: mergeTags(present.find((specification) => specification.ResourceType === resourceType)?.Tags, tags, 'standard'),
  }));
  const others = present.filter((specification) => !launched.includes(specification.ResourceType));
  node.addPropertyOverride('LaunchTemplateData.TagSpecifications', [...specifications, ...others]);
}

function coverEcsService(node: CfnResource): void {
  const { PropagateTags } = renderedProperties(node);
  if (PropagateTags === undefined || PropagateTags === 'NONE') node.addPropertyOverride('PropagateTags', 'SERVICE');
}

function coverReplicas(node: CfnResource, tags: Record<string, string>): void {
  const { Replicas } = renderedProperties(node);
  if (!Array.isArray(Replicas)) return;
  // Only the tags of each replica, by its index: the rest may refer to other stacks, which is not resolved for good yet.
  Replicas.forEach((replica, index) => node.addPropertyOverride(`Replicas.${index}.Tags`, mergeTags(replica.Tags, tags, 'standard')));
}

/** Resources made as a raw `CfnResource`, the CDK's own custom-resource helpers among them, have no tag manager to speak to. */
function coverUnmanaged(node: CfnResource, tags: Record<string, string>): void {
  if (TagManager.of(node)) return;
  const location = tagLocation(node.cfnResourceType);
  if (location.kind !== 'property') return;
  const present = renderedProperties(node)[location.property];
  node.addPropertyOverride(location.property, mergeTags(present, tags, location.shape));
}
