import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Context key that, together with `removalPolicy: DESTROY`, lets a deploy delete data. */
export const DESTROY_DATA_CONTEXT = 'millrace:destroyData';

/** Id of the warning that says a DESTROY was kept as RETAIN. */
export const DESTROY_NEEDS_TWO_KEYS = 'Millrace.DestroyNeedsTwoKeys';

const DESTROY = 'destroy';
const RETAIN = 'retain';

/** What becomes of data when its resource leaves the app. */
export interface RetentionDecision {
  readonly destroy: boolean;
  /** Set when DESTROY was asked for without the second key. */
  readonly warning?: string;
}

/**
 * The two-key rule: data is destroyed only when the construct asks for it *and* the context key `millrace:destroyData` is true, so that one
 * code base can be thrown away in a sandbox and cannot be in production.
 */
export function decideRetention(scope: IConstruct, requested: RemovalPolicy | undefined): RetentionDecision {
  if ((requested as string | undefined) !== DESTROY) return { destroy: false };
  const key = scope.node.tryGetContext(DESTROY_DATA_CONTEXT);
  if (key === true || key === 'true') return { destroy: true };
  return {
    destroy: false,
    warning: `removalPolicy DESTROY is kept as RETAIN: received context ${DESTROY_DATA_CONTEXT}=${String(key)}; allowed: true together with DESTROY; fix: set the context key where this data may be lost, or drop removalPolicy`,
  };
}

/** The CDK removal policy for a decision, without loading the CDK. */
export function removalPolicyOf(decision: RetentionDecision): RemovalPolicy {
  return (decision.destroy ? DESTROY : RETAIN) as RemovalPolicy;
}

/** Annotation with a warning about an object: cdk8s has no warnings of its own, so reports read this one. */
export const WARNING_ANNOTATION = 'millrace.io/warning';

/** The annotations of an object that holds data, for a decision. */
export function retentionAnnotations(decision: RetentionDecision): Record<string, string> | undefined {
  if (decision.destroy) return undefined;
  return { ...KEEP_ANNOTATIONS, ...(decision.warning ? { [WARNING_ANNOTATION]: `${DESTROY_NEEDS_TWO_KEYS}: ${decision.warning}` } : {}) };
}

/** Annotations that make Argo CD, Flux and Helm keep an object that holds data when it leaves the manifests. */
const KEEP_ANNOTATIONS: Readonly<Record<string, string>> = {
  'argocd.argoproj.io/sync-options': 'Delete=false,Prune=false',
  'helm.sh/resource-policy': 'keep',
  'kustomize.toolkit.fluxcd.io/prune': 'disabled',
};
