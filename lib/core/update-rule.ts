import type { IConstruct } from 'constructs';
import type { Assembly } from './assembly';

/** How much a finding matters. */
export enum FindingSeverity {
  /** The change loses data or cannot be deployed: refused until accepted. */
  ERROR = 'error',
  /** The change is allowed and someone should know, for example because it rolls nodes. */
  WARNING = 'warning',
}

/** What an update rule says about one change. */
export interface Finding {
  /** Stable code, for example `Millrace.KafkaTopicPartitionsDecrease`. */
  readonly code: string;
  /** How much it matters. */
  readonly severity: FindingSeverity;
  /** Construct path of a resource or id of a Kubernetes object. */
  readonly path: string;
  /** What changes, from what to what, and what it would do. */
  readonly message: string;
  /** How to get what was wanted without the loss. */
  readonly fix: string;
  /** Template of the resource. @default - the finding is about a Kubernetes object */
  readonly templateFile?: string;
  /** Logical id of the resource. @default - the finding is about a Kubernetes object */
  readonly logicalId?: string;
}

/** A rule that compares a new synthesis with the accepted one. */
export interface IUpdateRule {
  /** Stable id of the rule. */
  readonly id: string;
  /** Everything this rule has to say about the step from `before` to `after`. */
  check(before: Assembly, after: Assembly): Finding[];
}

const REGISTRY = Symbol.for('millrace.updateRules');

/** Makes a room's rules known to the update guard of the app in which one of its constructs stands. */
export function registerUpdateRules(scope: IConstruct, rules: readonly IUpdateRule[]): void {
  const root = scope.node.root as IConstruct & { [REGISTRY]?: Map<string, IUpdateRule> };
  const registry = root[REGISTRY] ?? new Map<string, IUpdateRule>();
  for (const rule of rules) registry.set(rule.id, rule);
  if (!root[REGISTRY]) Object.defineProperty(root, REGISTRY, { value: registry });
}

/** The rules registered in the app of a construct. */
export function registeredUpdateRules(scope: IConstruct): IUpdateRule[] {
  const root = scope.node.root as IConstruct & { [REGISTRY]?: Map<string, IUpdateRule> };
  return [...(root[REGISTRY]?.values() ?? [])];
}

/** Runs rules over two assemblies; findings come in a stable order: errors first, then by path and code. */
export function checkUpdate(before: Assembly, after: Assembly, rules: readonly IUpdateRule[]): Finding[] {
  const key = (finding: Finding) =>
    `${finding.severity === FindingSeverity.ERROR ? 0 : 1}\0${finding.path}\0${finding.code}\0${finding.message}`;
  return rules.flatMap((rule) => rule.check(before, after)).sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
