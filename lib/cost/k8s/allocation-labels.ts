import { App, type IResolver, type ResolutionContext } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { objectId } from '../../core/assembly';
import { Baseline } from '../../core/baseline';
import { MillraceError } from '../../core/error';
import { registerUpdateRules } from '../../core/update-rule';
import { ALB_TAGS, EBS_PROVISIONERS, NLB_TAGS } from '../controller-tags';
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

/**
 * Adds the labels of the nearest allocation while objects are rendered: cdk8s has no aspects, and a resolver sees every object late, purely
 * and once. It is idempotent, because cdk8s resolves a replaced value again.
 */
class AllocationLabels implements IResolver {
  public resolve(context: ResolutionContext): void {
    // Lazy values come back here once they are produced.
    if (context.value === null || typeof context.value !== 'object' || typeof context.value.produce === 'function') return;
    const { kind } = context.obj;
    if (POD_METADATA[kind] && context.key.join('/') === 'spec') refuseSelected(context);
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

/** A label that a workload selects its pods by is not ours to set: the API server refuses pods that their own selector does not match. */
function refuseSelected(context: ResolutionContext): void {
  const labels = CostAllocation.of(context.obj)?.labels() ?? {};
  const selected: Record<string, unknown> = context.value.selector?.matchLabels ?? {};
  const conflicts = Object.keys(selected).filter((key) => key in labels && selected[key] !== labels[key]);
  if (conflicts.length === 0) return;
  throw new MillraceError(
    context.obj.node.path,
    conflicts.map((key) => ({
      code: 'Millrace.AllocationLabelSelected',
      subject: `spec.selector.matchLabels['${key}']`,
      received: `'${String(selected[key])}', where the allocation labels the pods '${labels[key]}'`,
      allowed: 'selectors by other labels than those of the allocation, or by the same value',
      fix: `select by app.kubernetes.io/name, or rename the key with AllocationKeys, for example to 'acme.com/${key}'`,
    })),
  );
}

function withEntries(value: any, property: string, entries: Record<string, unknown>): any {
  return { ...value, [property]: { ...value[property], ...entries } };
}

function ownMetadata(context: ResolutionContext, labels: Record<string, string>): Metadata {
  const metadata: Metadata = { ...context.value, labels: { ...context.value.labels, ...labels } };
  const annotation = loadBalancerAnnotation(context, metadata);
  if (!annotation) return metadata;
  const given = metadata.annotations?.[annotation];
  const named = (given ?? '').split(',').map((pair) => pair.split('=')[0]);
  const missing = Object.entries(labels).flatMap(([key, value]) => (named.includes(key) ? [] : [`${key}=${value}`]));
  return { ...metadata, annotations: { ...metadata.annotations, [annotation]: [...(given ? [given] : []), ...missing].join(',') } };
}

/** Load balancers are made by a controller, which tags them from an annotation. */
function loadBalancerAnnotation(context: ResolutionContext, metadata: Metadata): string | undefined {
  const { kind } = context.obj;
  if (kind !== 'Service' && kind !== 'Ingress') return undefined;
  const { spec } = givenProps(context);
  const rendered = typeof spec?.produce === 'function' ? spec.produce() : spec;
  if (kind === 'Service') return rendered?.type === 'LoadBalancer' ? NLB_TAGS : undefined;
  const ingressClass = rendered?.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'];
  return ingressClass === 'alb' ? ALB_TAGS : undefined;
}

/** What an object was made from. cdk8s keeps it private, and a resolver sees one key at a time, so a neighbour's value is only there. */
function givenProps(context: ResolutionContext): { readonly spec?: any; readonly provisioner?: string } {
  return (context.obj as unknown as { props: { spec?: any; provisioner?: string } }).props;
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
  const { provisioner } = givenProps(context);
  if (!provisioner || !EBS_PROVISIONERS.includes(provisioner)) return context.value;
  const before = accepted(context.obj, subject(context));
  const given = Object.entries(context.value as Record<string, string>);
  const isTag = ([name]: [string, unknown]) => name.startsWith('tagSpecification_');
  const own = given.filter((entry) => !isTag(entry));
  // Only the tags are ours to freeze; any other edit is the user's, and the update rules say that it cannot be applied.
  if (before) return { ...Object.fromEntries(own), ...Object.fromEntries(Object.entries<string>(before.parameters ?? {}).filter(isTag)) };
  const written = given.filter(isTag).map(([, value]) => value);
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
  // First, so that a resolver of the user sees the finished labels.
  app.resolvers.unshift(new AllocationLabels());
}
