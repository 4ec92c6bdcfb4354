import { App, type IResolver, type ResolutionContext } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { objectId } from '../../core/assembly';
import { Baseline } from '../../core/baseline';
import { registerUpdateRules } from '../../core/update-rule';
import { CostAllocation } from '../cost-allocation';
import { TagUpdateRules } from '../tag-update-rules';

/** Where pods get their labels from, by kind. Selectors are never among them. */
const POD_METADATA: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec/template'],
  StatefulSet: ['spec/template'],
  DaemonSet: ['spec/template'],
  ReplicaSet: ['spec/template'],
  CronJob: ['spec/jobTemplate', 'spec/jobTemplate/spec/template'],
  NodePool: ['spec/template'],
};
/** The same where the API server refuses a change, so what the baseline holds stays. */
const IMMUTABLE_METADATA: Readonly<Record<string, RegExp>> = {
  Job: /^spec\/template$/,
  StatefulSet: /^spec\/volumeClaimTemplates\/\d+$/,
};
const EBS_PROVISIONERS = ['ebs.csi.aws.com', 'ebs.csi.eks.amazonaws.com'];
const NLB_TAGS = 'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags';
const ALB_TAGS = 'alb.ingress.kubernetes.io/tags';

type Metadata = { labels?: Record<string, string>; annotations?: Record<string, string> } & Record<string, unknown>;

const baselines = new WeakMap<IConstruct, Map<string, any>>();

function accepted(construct: IConstruct, manifest: { kind: string; apiVersion: string; namespace?: string; name: string }): any {
  const { root } = construct.node;
  let objects = baselines.get(root);
  if (!objects) {
    const baseline = Baseline.read(Baseline.directoryOf(construct));
    objects = new Map((baseline?.assembly.objects ?? []).map((object) => [object.id, object.manifest]));
    baselines.set(root, objects);
  }
  const { kind, apiVersion, namespace, name } = manifest;
  return objects.get(objectId({ kind, apiVersion, metadata: { namespace, name } }));
}

function at(value: any, path: string): any {
  return path.split('/').reduce((part, key) => part?.[key], value);
}

function pairs(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/**
 * Adds the labels of the nearest allocation while objects are rendered: cdk8s has no aspects, and a resolver sees every object late, purely
 * and once. It is idempotent, because cdk8s resolves a replaced value again.
 */
class AllocationLabels implements IResolver {
  public resolve(context: ResolutionContext): void {
    // Lazy values come back here once they are produced.
    if (context.value === null || typeof context.value !== 'object' || typeof context.value.produce === 'function') return;
    const { kind } = context.obj;
    if (context.key.length === 0) {
      if (kind === 'StorageClass' && context.value.provisioner && !context.value.parameters) {
        context.replaceValue({ ...context.value, parameters: {} });
      }
      return;
    }
    const key = context.key.join('/');
    const podTemplate = POD_METADATA[kind]?.includes(key);
    const immutable = IMMUTABLE_METADATA[kind]?.test(key) ?? false;
    const special = (kind === 'StorageClass' && key === 'parameters') || (kind === 'EC2NodeClass' && key === 'spec');
    if (key !== 'metadata' && !podTemplate && !immutable && !special) return;
    const labels = CostAllocation.of(context.obj)?.labels();
    if (!labels) return;
    const next =
      key === 'metadata'
        ? ownMetadata(context, labels)
        : kind === 'StorageClass'
          ? volumeTags(context, labels)
          : kind === 'EC2NodeClass'
            ? withEntries(context.value, 'tags', labels)
            : withEntries(context.value, 'metadata', {
                labels: { ...context.value.metadata?.labels, ...(immutable ? acceptedLabels(context, key, labels) : labels) },
              });
    if (JSON.stringify(next) !== JSON.stringify(context.value)) context.replaceValue(next);
  }
}

function withEntries(value: any, property: string, entries: Record<string, unknown>): any {
  return { ...value, [property]: { ...value[property], ...entries } };
}

function ownMetadata(context: ResolutionContext, labels: Record<string, string>): Metadata {
  const metadata: Metadata = { ...context.value, labels: { ...context.value.labels, ...labels } };
  const annotation = loadBalancerTags(context, metadata, labels);
  return annotation ? { ...metadata, annotations: { ...annotation, ...metadata.annotations } } : metadata;
}

/** Load balancers are made by a controller, which tags them from an annotation. */
function loadBalancerTags(
  context: ResolutionContext,
  metadata: Metadata,
  labels: Record<string, string>,
): Record<string, string> | undefined {
  const { kind } = context.obj;
  if (kind !== 'Service' && kind !== 'Ingress') return undefined;
  const { spec } = (context.obj as unknown as { props: { spec?: any } }).props;
  const rendered = typeof spec?.produce === 'function' ? spec.produce() : spec;
  if (kind === 'Service' && rendered?.type === 'LoadBalancer') return { [NLB_TAGS]: pairs(labels) };
  const ingressClass = rendered?.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'];
  return kind === 'Ingress' && ingressClass === 'alb' ? { [ALB_TAGS]: pairs(labels) } : undefined;
}

function subject(context: ResolutionContext) {
  const { kind, apiVersion, name, metadata } = context.obj;
  return { kind, apiVersion, name, namespace: metadata.namespace };
}

function acceptedLabels(context: ResolutionContext, key: string, labels: Record<string, string>): Record<string, string> {
  const before = accepted(context.obj, subject(context));
  if (!before) return labels;
  const kept = at(before, key)?.metadata?.labels ?? {};
  return Object.fromEntries(Object.keys(labels).flatMap((name) => (name in kept ? [[name, kept[name]]] : [])));
}

/** Parameters of a StorageClass are immutable: the volume tags of the baseline stay as they were accepted. */
function volumeTags(context: ResolutionContext, labels: Record<string, string>): Record<string, string> {
  const provisioner = (context.obj as unknown as { props: { provisioner?: string } }).props.provisioner;
  if (!provisioner || !EBS_PROVISIONERS.includes(provisioner)) return context.value;
  const before = accepted(context.obj, subject(context));
  if (before) return { ...context.value, ...before.parameters };
  const given = Object.entries(context.value as Record<string, string>);
  const own = given.filter(([name]) => !name.startsWith('tagSpecification_'));
  const written = given.filter(([name]) => name.startsWith('tagSpecification_')).map(([, value]) => value);
  const foreign = written.filter((value) => !Object.keys(labels).includes(value.split('=')[0]));
  const all = [...foreign, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
  return { ...Object.fromEntries(own), ...Object.fromEntries(all.map((value, index) => [`tagSpecification_${index + 1}`, value])) };
}

const INSTALLED = Symbol.for('millrace.allocationLabels');

/** Lets the app of a scope add allocation labels while it renders; installed once an app. */
export function carryLabels(scope: IConstruct): void {
  registerUpdateRules(scope, TagUpdateRules.all());
  const app = App.of(scope) as App & { [INSTALLED]?: boolean };
  if (app[INSTALLED]) return;
  Object.defineProperty(app, INSTALLED, { value: true });
  // cdk8s resolves leaf by leaf and stops at the first resolver that replaces, so ours goes first.
  app.resolvers.unshift(new AllocationLabels());
}
