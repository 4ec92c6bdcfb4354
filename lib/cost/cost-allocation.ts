import type { IConstruct } from 'constructs';
import { refuse } from '../core/error';
import { type Rule, enforce } from '../core/rule';
import { AllocationKeys } from './allocation-keys';
import { type AppliedAllocation, allocationAt, appliedAllocation, applyAllocation } from './applied-allocation';

/** Who pays: the values of one allocation. */
export interface CostAllocationProps {
  /** The owning team, 1-63 letters, digits, `-`, `_` or `.`, for example `fraud-ml`. */
  readonly team: string;
  /** The service, in the same alphabet, for example `radar`. */
  readonly service: string;
  /** The cost centre, in the same alphabet, for example `CC-1042`. */
  readonly costCenter: string;
  /** The environment, in the same alphabet, for example `prod`. */
  readonly environment: string;
  /**
   * Values of the further keys of the vocabulary.
   * @default - none
   */
  readonly additional?: { [key: string]: string };
  /**
   * The vocabulary.
   * @default AllocationKeys.DEFAULT
   */
  readonly keys?: AllocationKeys;
}

/** Where the tags of an allocation stand in the synthesized output. */
export enum TagCarrier {
  /**
   * On the stack: no bytes per resource, reaches custom-resource helpers, applied by CloudFormation at deploy. Lost by pipelines that
   * deploy the bare template without the manifest's tags.
   */
  STACK = 'stack',
  /** On the stack and on every resource that can be tagged: about 70 bytes a tag a resource. */
  RESOURCES = 'resources',
}

/** How an allocation is applied. */
export interface ApplyAllocationOptions {
  /**
   * Where the tags of a whole stack, stage or app stand. Inside a stack they always stand on the resources.
   * @default TagCarrier.STACK
   */
  readonly carrier?: TagCarrier;
}

// The intersection of the AWS tag-value rules (256 characters; MSK allows no ':', DynamoDB no '@') and the Kubernetes label-value rule
// (63 characters), without the empty value that Kubernetes allows: nobody is billed as ''.
const VALUE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const ALLOWED_VALUE =
  "1-63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit (valid as AWS tag and as Kubernetes label)";

/**
 * Who pays for what stands in a scope: one value that becomes AWS tags and Kubernetes labels.
 *
 * It is valid on both sides or refused at once. The nearest allocation wins; the parent and siblings of a scope are never touched, and only
 * the vocabulary's own keys are written.
 *
 * @example
 * new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(stack);
 */
export class CostAllocation {
  /** The nearest allocation at or above a construct, on AWS or on Kubernetes; `undefined` when nobody pays. */
  public static of(construct: IConstruct): CostAllocation | undefined {
    return appliedAllocation(construct)?.allocation;
  }

  /** The vocabulary of this allocation. */
  public readonly keys: AllocationKeys;
  private readonly values: { [key: string]: string };

  /** @throws Millrace.CostAllocationValueInvalid, Millrace.CostAllocationKeyUnknown, Millrace.CostAllocationKeyMissing, Millrace.CostAllocationKeyRepeated, Millrace.TokenRefused */
  constructor(props: CostAllocationProps) {
    this.keys = props.keys ?? AllocationKeys.DEFAULT;
    const named = {
      [this.keys.team]: props.team,
      [this.keys.service]: props.service,
      [this.keys.costCenter]: props.costCenter,
      [this.keys.environment]: props.environment,
    };
    this.values = { ...named, ...props.additional };
    enforce('CostAllocation', this.values, rulesFor(this.keys, Object.keys(props.additional ?? {}), Object.keys(named)));
  }

  /** The allocation as AWS tags, by key. */
  public tags(): { [key: string]: string } {
    return { ...this.values };
  }

  /** The allocation as Kubernetes labels, by key: the same pairs, valid there too. */
  public labels(): { [key: string]: string } {
    return { ...this.values };
  }

  /**
   * Makes this allocation pay for everything in a scope: a CDK app, stage, stack or construct (tags), a cdk8s app, chart or construct
   * (labels).
   *
   * @throws Millrace.CostAllocationTwice, Millrace.CostAllocationScopeUnknown
   */
  public applyTo(scope: IConstruct, options: ApplyAllocationOptions = {}): void {
    const present = allocationAt(scope);
    const where = scope.node.path || 'the app';
    if (present) {
      refuse(`CostAllocation for ${where}`, {
        code: 'Millrace.CostAllocationTwice',
        subject: 'applyTo',
        received: `a second allocation (${describe(this)}) where ${describe(present.allocation)} is applied`,
        allowed: 'one allocation a scope',
        fix: 'apply the second one to a construct, stack or chart of its own inside the scope',
      });
    }
    const world = worldOf(scope);
    if (world === undefined) {
      refuse(`CostAllocation for ${where}`, {
        code: 'Millrace.CostAllocationScopeUnknown',
        subject: 'applyTo',
        received: 'a construct that stands neither in a CDK app or stack nor in a cdk8s app or chart',
        allowed: 'a scope of a CDK or cdk8s tree',
        fix: 'apply it to the stack or chart',
      });
    }
    const applied: AppliedAllocation = { allocation: this, carrier: options.carrier ?? TagCarrier.STACK, scope };
    applyAllocation(applied);
    /* eslint-disable @typescript-eslint/no-require-imports -- the flavour is loaded only when it is used */
    if (world === 'cdk') {
      (require('./aws/tag-carrier') as typeof import('./aws/tag-carrier')).carryTags(applied);
    } else {
      (require('./k8s/allocation-labels') as typeof import('./k8s/allocation-labels')).carryLabels(scope);
    }
    /* eslint-enable @typescript-eslint/no-require-imports */
  }
}

function describe(allocation: CostAllocation): string {
  return Object.entries(allocation.tags())
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

function rulesFor(keys: AllocationKeys, additional: string[], named: string[]): Rule<{ [key: string]: string }>[] {
  const vocabulary = [...keys.required, ...keys.optional];
  const property: Record<string, string> = {
    [named[0]]: 'team',
    [named[1]]: 'service',
    [named[2]]: 'costCenter',
    [named[3]]: 'environment',
  };
  const given = [...new Set([...named, ...additional])];
  return [
    ...additional.map((key) => ({
      code: 'Millrace.CostAllocationKeyRepeated',
      subject: `additional['${key}']`,
      value: () => key,
      valid: () => !named.includes(key),
      allowed: `keys other than ${named.join(', ')}, which have properties of their own`,
      fix: `set ${property[key]} instead`,
    })),
    ...given.map((key) => ({
      code: 'Millrace.CostAllocationValueInvalid',
      subject: property[key] ?? `additional['${key}']`,
      value: (values: { [key: string]: string }) => values[key] ?? undefined,
      valid: (value: unknown) => typeof value === 'string' && VALUE.test(value),
      allowed: ALLOWED_VALUE,
      fix: "shorten it or replace what is not allowed by '-'",
      tokens: 'refuse' as const,
    })),
    ...given.map((key) => ({
      code: 'Millrace.CostAllocationKeyUnknown',
      subject: `additional['${key}']`,
      value: () => key,
      valid: () => vocabulary.includes(key),
      allowed: `the keys of the vocabulary: ${vocabulary.join(', ')}`,
      fix: 'add the key to AllocationKeys (required or optional), or drop it',
    })),
    ...keys.required.map((key) => ({
      code: 'Millrace.CostAllocationKeyMissing',
      subject: property[key] ?? `additional['${key}']`,
      // Plain JavaScript and other languages can leave out what TypeScript demands.
      value: (values: { [key: string]: string }) => given.filter((name) => (values[name] ?? undefined) !== undefined),
      valid: (present: string[]) => present.includes(key),
      allowed: `a value for every required key: ${keys.required.join(', ')}`,
      fix: `give ${property[key] ?? `additional['${key}']`}`,
    })),
  ];
}

const STACK = Symbol.for('@aws-cdk/core.Stack');
const STAGE = Symbol.for('@aws-cdk/core.Stage');
const APP = Symbol.for('@aws-cdk/core.App');
const CHART = Symbol.for('cdk8s.Chart');

function worldOf(construct: IConstruct): 'cdk' | 'cdk8s' | undefined {
  for (let scope: IConstruct | undefined = construct; scope; scope = scope.node.scope) {
    if (CHART in scope) return 'cdk8s';
    if (STACK in scope || STAGE in scope || APP in scope) return 'cdk';
  }
  // A cdk8s app carries no symbol of its own; the CDK's has one.
  const root = construct.node.root;
  return 'yamlOutputType' in root && 'resolvers' in root ? 'cdk8s' : undefined;
}
