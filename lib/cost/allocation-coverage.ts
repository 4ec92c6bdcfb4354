import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { EBS_PROVISIONERS, NLB_TAGS } from './controller-tags';
import { effectiveTags } from './tag-update-rules';
import { tagLocation, tagsIn } from './tag-spec';
import { attributionRoute } from './untaggable';

/** A resource or Kubernetes object whose cost reaches no owner. */
export interface UncoveredResource {
  /** Stable code. */
  readonly code: string;
  /** CloudFormation type or Kubernetes kind. */
  readonly type: string;
  /** Construct path or object id. */
  readonly path: string;
  /** What is missing. */
  readonly problem: string;
  /** How to cover it. */
  readonly fix: string;
  /** Logical id. @default - a Kubernetes object */
  readonly logicalId?: string;
  /** Template. @default - a Kubernetes object */
  readonly templateFile?: string;
}

/** A resource that cannot carry tags, with the way its cost is attributed all the same. */
export interface UntaggableResource {
  /** CloudFormation type. */
  readonly type: string;
  /** Construct path. */
  readonly path: string;
  /** By which other resource or metric its cost finds an owner. */
  readonly route: string;
}

interface Counts {
  readonly total: number;
  readonly uncovered: UncoveredResource[];
  readonly untaggable: UntaggableResource[];
}

const APPLY = 'new cost.CostAllocation({ … }).applyTo its stack or a construct above it';
// EKS split cost allocation reads the first 50 labels of a pod in alphabetical order and drops the rest (efficiency reference, 4.3).
const SPLIT_COST_LABELS = 50;

/** How much of a finished synthesis carries the required keys of a vocabulary. */
export class AllocationCoverage {
  /** Measures an assembly: templates with their nested stacks, and manifests. */
  public static of(assembly: Assembly, requiredKeys: string[]): AllocationCoverage {
    const stacks = assembly.stacks.map((stack) => coverageOfStack(stack, requiredKeys));
    const objects = assembly.objects.map(({ id, manifest }) => coverageOfObject(id, manifest, requiredKeys));
    return new AllocationCoverage(requiredKeys, sum(stacks), sum(objects));
  }

  /** Taggable resources in the templates. */
  public readonly taggable: number;
  /** Kubernetes objects in the manifests. */
  public readonly objects: number;
  /** Everything without an owner. */
  public readonly uncovered: UncoveredResource[];
  /** What cannot carry tags, with its route. */
  public readonly untaggable: UntaggableResource[];
  /** The result in one sentence. */
  public readonly summary: string;

  private constructor(requiredKeys: string[], stacks: Counts, objects: Counts) {
    this.taggable = stacks.total;
    this.objects = objects.total;
    this.uncovered = [...stacks.uncovered, ...objects.uncovered];
    this.untaggable = stacks.untaggable;
    const covered = (counts: Counts) =>
      counts.total - new Set(counts.uncovered.map((resource) => `${resource.templateFile} ${resource.path}`)).size;
    const required = `all required keys (${requiredKeys.join(', ')})`;
    const parts = [];
    if (stacks.total > 0) parts.push(`${covered(stacks)} of ${stacks.total} taggable resources carry ${required}`);
    if (objects.total > 0) parts.push(`${covered(objects)} of ${objects.total} Kubernetes objects carry ${required}`);
    this.summary = parts.join('; ') || 'nothing to own';
  }
}

function sum(parts: Counts[]): Counts {
  return {
    total: parts.reduce((total, part) => total + part.total, 0),
    uncovered: parts.flatMap((part) => part.uncovered),
    untaggable: parts.flatMap((part) => part.untaggable),
  };
}

function missing(tags: Record<string, unknown>, required: string[]): string[] {
  return required.filter((key) => tags[key] === undefined || tags[key] === '');
}

function coverageOfStack(stack: SynthesizedStack, required: string[]): Counts {
  const parts = stack.resources.map((resource): Counts => {
    const location = tagLocation(resource.type);
    if (location.kind === 'none' || location.kind === 'unknown') {
      return {
        total: 0,
        uncovered: [],
        untaggable: [{ type: resource.type, path: resource.path, route: attributionRoute(resource.type) }],
      };
    }
    const problems = [
      ...(location.kind === 'property' ? ownTags(stack, resource, required) : []),
      ...(PROPAGATION[resource.type]?.(resource, required) ??
        (location.kind === 'elsewhere' ? tagsAt(resource, location.path, required) : [])),
    ];
    const uncovered = problems.map(([code, problem, fix]) => ({
      code,
      type: resource.type,
      path: resource.path,
      problem,
      fix,
      logicalId: resource.logicalId,
      templateFile: stack.templateFile,
    }));
    return { total: 1, uncovered, untaggable: [] };
  });
  return sum(parts);
}

type Problem = readonly [code: string, problem: string, fix: string];

function ownTags(stack: SynthesizedStack, resource: SynthesizedResource, required: string[]): Problem[] {
  const absent = missing(effectiveTags(stack, resource), required);
  return absent.length === 0 ? [] : [['Millrace.TagsMissing', `required tag keys are missing: ${absent.join(', ')}`, APPLY]];
}

function specificationsLack(specifications: unknown, resourceType: string, required: string[]): string[] {
  const list = Array.isArray(specifications) ? specifications : [];
  return missing(tagsIn(list.find((specification) => specification.ResourceType === resourceType)?.Tags), required);
}

function tagsAt(resource: SynthesizedResource, tagPath: string, required: string[]): Problem[] {
  const value = tagPath.split('.').reduce((part: any, key) => part?.[key], resource.properties);
  const lists = tagPath.endsWith('TagSpecifications') ? (Array.isArray(value) ? value.map((item) => item.Tags) : []) : [value];
  const absent = lists.length === 0 ? required : [...new Set(lists.flatMap((tags) => missing(tagsIn(tags), required)))];
  return absent.length === 0
    ? []
    : [
        [
          'Millrace.TagsMissing',
          `required tag keys are missing in ${tagPath}: ${absent.join(', ')}`,
          `write them to ${tagPath}; stack tags do not reach it`,
        ],
      ];
}

/** Types whose cost arises in something they make: launched instances, volumes, tasks, replicas. */
const PROPAGATION: Readonly<Record<string, (resource: SynthesizedResource, required: string[]) => Problem[]>> = {
  'AWS::EC2::LaunchTemplate': ({ properties }, required) =>
    ['instance', 'volume'].flatMap((launched): Problem[] => {
      const absent = specificationsLack(properties.LaunchTemplateData?.TagSpecifications, launched, required);
      const problem = `launched ${launched}s lack ${absent.join(', ')}`;
      return absent.length === 0 ? [] : [['Millrace.TagsNotPropagated', problem, `add a tag specification for ${launched}, or ${APPLY}`]];
    }),
  'AWS::EC2::SpotFleet': (resource, required) =>
    fleetProblems(resource.properties.SpotFleetRequestConfigData?.LaunchSpecifications, resource, required),
  'AWS::EC2::Instance': ({ properties }) =>
    properties.PropagateTagsToVolumeOnCreation === true
      ? []
      : [['Millrace.TagsNotPropagated', 'its volumes carry no tags', 'set propagateTagsToVolumeOnCreation to true']],
  'AWS::ECS::Service': ({ properties }) =>
    properties.PropagateTags === 'SERVICE' || properties.PropagateTags === 'TASK_DEFINITION'
      ? []
      : [['Millrace.TagsNotPropagated', 'its tasks carry no tags', 'set propagateTags to SERVICE']],
  'AWS::AutoScaling::AutoScalingGroup': ({ properties }, required) => [
    ...(properties.LaunchConfigurationName
      ? [
          [
            'Millrace.TagsNotPropagated',
            'its volumes carry no tags, because launch configurations cannot have any',
            'use a launch template',
          ] as const,
        ]
      : []),
    ...(Array.isArray(properties.Tags) ? properties.Tags : [])
      .filter((tag: any) => required.includes(tag?.Key) && tag.PropagateAtLaunch === false)
      .map((tag: any): Problem => [
        'Millrace.TagsNotPropagated',
        `its instances lack ${tag.Key}`,
        'set PropagateAtLaunch of the tag to true',
      ]),
  ],
  'AWS::Batch::JobDefinition': ({ properties }) =>
    properties.PropagateTags === true ? [] : [['Millrace.TagsNotPropagated', 'its jobs carry no tags', 'set propagateTags to true']],
  'AWS::EKS::Nodegroup': ({ properties }) =>
    properties.LaunchTemplate
      ? []
      : [
          [
            'Millrace.TagsNotPropagated',
            'its instances and volumes carry no tags, because EKS tags only the node group itself',
            'give the node group a launch template with tag specifications (this rolls its nodes), or exempt it with a reason',
          ],
        ],
  'AWS::DynamoDB::GlobalTable': ({ properties }, required) =>
    (Array.isArray(properties.Replicas) ? properties.Replicas : []).flatMap((replica): Problem[] => {
      const absent = missing(tagsIn(replica.Tags), required);
      const problem = `replica in ${JSON.stringify(replica.Region)} lacks ${absent.join(', ')}`;
      return absent.length === 0 ? [] : [['Millrace.TagsMissing', problem, `write Replicas[].Tags, or ${APPLY}`]];
    }),
};

function fleetProblems(launchSpecifications: unknown, resource: SynthesizedResource, required: string[]): Problem[] {
  const own = tagsAt(resource, 'SpotFleetRequestConfigData.TagSpecifications', required);
  const launched = (Array.isArray(launchSpecifications) ? launchSpecifications : []).flatMap((specification): Problem[] => {
    const absent = specificationsLack(specification.TagSpecifications, 'instance', required);
    const fix = 'add a tag specification for instance to the launch specification; this changes the fleet, so it is yours to do';
    return absent.length === 0 ? [] : [['Millrace.TagsNotPropagated', `launched instances lack ${absent.join(', ')}`, fix]];
  });
  return [...own, ...launched];
}

const POD_TEMPLATES: Readonly<Record<string, string>> = {
  Deployment: 'spec.template',
  StatefulSet: 'spec.template',
  DaemonSet: 'spec.template',
  ReplicaSet: 'spec.template',
  Job: 'spec.template',
  CronJob: 'spec.jobTemplate.spec.template',
};

/** What carries the AWS cost of objects that a controller turns into volumes, nodes and load balancers. */
const CONTROLLER_TAGS: Readonly<Record<string, (manifest: any) => { tags: Record<string, string>; what: string } | undefined>> = {
  StorageClass: ({ provisioner, parameters }) =>
    EBS_PROVISIONERS.includes(provisioner)
      ? {
          tags: pairsIn(
            Object.entries<string>(parameters ?? {}).flatMap(([name, value]) => (name.startsWith('tagSpecification_') ? [value] : [])),
          ),
          what: 'its volumes (parameters.tagSpecification_N)',
        }
      : undefined,
  EC2NodeClass: ({ spec }) => ({ tags: spec?.tags ?? {}, what: 'its nodes (spec.tags)' }),
  Service: ({ spec, metadata }) =>
    spec?.type === 'LoadBalancer'
      ? { tags: pairsIn((metadata?.annotations?.[NLB_TAGS] ?? '').split(',')), what: `its load balancer (${NLB_TAGS})` }
      : undefined,
};

function pairsIn(pairs: string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => [pair.split('=')[0], pair.split('=').slice(1).join('=')]));
}

function coverageOfObject(id: string, manifest: { [name: string]: any }, required: string[]): Counts {
  const uncovered: UncoveredResource[] = [];
  const check = (labels: Record<string, unknown> | undefined, what: string) => {
    const absent = missing(labels ?? {}, required);
    if (absent.length > 0) {
      const problem = `required keys are missing on ${what}: ${absent.join(', ')}`;
      uncovered.push({
        code: 'Millrace.LabelsMissing',
        type: manifest.kind,
        path: id,
        problem,
        fix: 'apply a cost.CostAllocation to its chart',
      });
    }
  };
  check(manifest.metadata?.labels, 'the object');
  const made = CONTROLLER_TAGS[manifest.kind]?.(manifest);
  if (made) check(made.tags, made.what);
  const template = POD_TEMPLATES[manifest.kind];
  if (template) {
    const labels: Record<string, unknown> = template.split('.').reduce((part: any, key) => part?.[key], manifest)?.metadata?.labels ?? {};
    check(labels, 'its pods');
    const late = Object.keys(labels)
      .sort()
      .slice(SPLIT_COST_LABELS)
      .filter((key) => required.includes(key));
    if (late.length > 0) {
      const problem = `EKS split cost allocation reads the first ${SPLIT_COST_LABELS} labels of a pod in alphabetical order and drops ${late.join(', ')}`;
      uncovered.push({
        code: 'Millrace.LabelsBeyondFifty',
        type: manifest.kind,
        path: id,
        problem,
        fix: 'remove labels from the pod template',
      });
    }
  }
  return { total: 1, uncovered, untaggable: [] };
}
