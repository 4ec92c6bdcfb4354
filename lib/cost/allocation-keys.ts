import { type Rule, enforce } from '../core/rule';

/** The names of the keys that say who pays, on AWS tags and Kubernetes labels alike. */
export interface AllocationKeysProps {
  /**
   * Key of the owning team.
   * @default 'team'
   */
  readonly team?: string;
  /**
   * Key of the service.
   * @default 'service'
   */
  readonly service?: string;
  /**
   * Key of the cost centre.
   * @default 'cost-center'
   */
  readonly costCenter?: string;
  /**
   * Key of the environment.
   * @default 'environment'
   */
  readonly environment?: string;
  /**
   * Further keys that every allocation must give.
   * @default - none
   */
  readonly required?: string[];
  /**
   * Further keys that an allocation may give.
   * @default - none
   */
  readonly optional?: string[];
}

const MAX_TAG_KEY = 128;
const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

function isAllocationKey(key: string): boolean {
  const parts = key.split('/');
  const name = parts[parts.length - 1];
  if (parts.length > 2 || key.length > MAX_TAG_KEY || !NAME.test(name)) return false;
  if (parts.length === 1) return true;
  return PREFIX.test(parts[0]) && !/(^|\.)(kubernetes|k8s)\.io$/.test(parts[0]);
}

const ALLOWED_KEY =
  "a key valid as AWS tag and as Kubernetes label: [prefix/]name of at most 128 characters, name of 1-63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, prefix a lower-case DNS name other than kubernetes.io and k8s.io";

/**
 * The vocabulary of cost allocation: one value given to every `CostAllocation` and to the `TagPolicy`, so that bills and cluster costs
 * join on the same keys.
 *
 * @example
 * const keys = new AllocationKeys({ costCenter: 'acme.com/cost-center', optional: ['product'] });
 */
export class AllocationKeys {
  /** `team`, `service`, `cost-center` and `environment`, all required, nothing else. */
  public static readonly DEFAULT = new AllocationKeys();

  /** Key of the owning team. */
  public readonly team: string;
  /** Key of the service. */
  public readonly service: string;
  /** Key of the cost centre. */
  public readonly costCenter: string;
  /** Key of the environment. */
  public readonly environment: string;
  /** Every key an allocation must give, the four named ones first. */
  public readonly required: string[];
  /** Keys an allocation may give beside them. */
  public readonly optional: string[];

  /** @throws Millrace.AllocationKeyInvalid, Millrace.AllocationKeyRepeated */
  constructor(props: AllocationKeysProps = {}) {
    this.team = props.team ?? 'team';
    this.service = props.service ?? 'service';
    this.costCenter = props.costCenter ?? 'cost-center';
    this.environment = props.environment ?? 'environment';
    this.required = [this.team, this.service, this.costCenter, this.environment, ...(props.required ?? [])];
    this.optional = [...(props.optional ?? [])];
    const all = [...this.required, ...this.optional];
    const rules: Rule<string[]>[] = all.flatMap((_key, index) => [
      {
        code: 'Millrace.AllocationKeyInvalid',
        subject: `key ${index + 1}`,
        value: (keys: string[]) => keys[index],
        valid: isAllocationKey,
        allowed: ALLOWED_KEY,
        fix: 'rename the key',
        tokens: 'refuse' as const,
      },
      {
        code: 'Millrace.AllocationKeyRepeated',
        subject: `key ${index + 1}`,
        value: (keys: string[]) => keys[index],
        valid: (key: string, keys: string[]) => keys.indexOf(key) === index,
        allowed: 'each key once',
        fix: 'give the second meaning a key of its own',
      },
    ]);
    enforce('AllocationKeys', all, rules);
  }
}
