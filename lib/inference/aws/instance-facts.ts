/** What an instance type of SageMaker has room for. */
export interface InstanceCapacity {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly accelerators: number;
}

interface FamilyFacts {
  /** GiB of memory for each vCPU. */
  readonly gibPerVcpu: number;
  /** Accelerators by size. */
  readonly accelerators?: { readonly [size: string]: number };
}

const ONE_TO_EIGHT_GPUS = {
  xlarge: 1,
  '2xlarge': 1,
  '4xlarge': 1,
  '8xlarge': 1,
  '12xlarge': 4,
  '16xlarge': 1,
  '24xlarge': 4,
  '48xlarge': 8,
};

/** Amazon EC2, accelerated computing instances: accelerators and memory of each type. */
const ACCELERATED: Readonly<Record<string, FamilyFacts>> = {
  g4dn: { gibPerVcpu: 4, accelerators: { xlarge: 1, '2xlarge': 1, '4xlarge': 1, '8xlarge': 1, '12xlarge': 4, '16xlarge': 1 } },
  g5: { gibPerVcpu: 4, accelerators: ONE_TO_EIGHT_GPUS },
  g6: { gibPerVcpu: 4, accelerators: ONE_TO_EIGHT_GPUS },
  g6e: { gibPerVcpu: 8, accelerators: ONE_TO_EIGHT_GPUS },
  p3: { gibPerVcpu: 7.625, accelerators: { '2xlarge': 1, '8xlarge': 4, '16xlarge': 8 } },
  p4d: { gibPerVcpu: 12, accelerators: { '24xlarge': 8 } },
  p4de: { gibPerVcpu: 12, accelerators: { '24xlarge': 8 } },
  p5: { gibPerVcpu: 32 / 3, accelerators: { '48xlarge': 8 } },
  p5e: { gibPerVcpu: 32 / 3, accelerators: { '48xlarge': 8 } },
  p5en: { gibPerVcpu: 32 / 3, accelerators: { '48xlarge': 8 } },
  inf2: { gibPerVcpu: 4, accelerators: { xlarge: 1, '8xlarge': 1, '24xlarge': 6, '48xlarge': 12 } },
  trn1: { gibPerVcpu: 4, accelerators: { '2xlarge': 1, '32xlarge': 16 } },
};

/** GiB of memory for each vCPU by the first letter of a family without accelerators. */
const GENERAL: Readonly<Record<string, number>> = { c: 2, m: 4, r: 8 };

/** Families with NVMe volumes whose names do not say it with a `d` (Amazon EC2, instance store volumes). */
const WITH_LOCAL_STORAGE = ['g5', 'g6', 'g6e', 'g7e', 'gr6', 'p5', 'p5e', 'p5en', 'trn1', 'trn1n', 'trn2'];

export const INSTANCE_TYPE = /^ml\.([a-z]+\d+[a-z]*(?:-[a-z0-9]+)?)\.((?:\d+)?(?:medium|large|xlarge)|metal)$/;

/** `g5` of `ml.g5.xlarge`. */
export function familyOf(instanceType: string): string {
  return INSTANCE_TYPE.exec(instanceType)?.[1] ?? '';
}

/** Burstable types, which Application Auto Scaling does not scale (SageMaker developer guide, auto scaling policy overview). */
export function isBurstable(instanceType: string): boolean {
  return /^t\d/.test(familyOf(instanceType));
}

/** Inferentia of the first generation, which has neither deployment guardrails nor shadow tests (SageMaker developer guide, exclusions). */
export function isInf1(instanceType: string): boolean {
  return familyOf(instanceType) === 'inf1';
}

/** Whether its volumes are NVMe ones of its own, encrypted by the hardware, for which SageMaker takes neither a key nor a size. */
export function hasLocalStorage(instanceType: string): boolean {
  const family = familyOf(instanceType);
  return /^[a-z]+\d+[a-z]*d[a-z]*$/.test(family) || /^(i\d|p6)/.test(family) || WITH_LOCAL_STORAGE.includes(family);
}

/** What an instance has room for; `undefined` for a type that is not in the tables. */
export function capacityOf(instanceType: string): InstanceCapacity | undefined {
  const [, family, size] = INSTANCE_TYPE.exec(instanceType) ?? [];
  const sized = size && /^(\d*)(x?large)$/.exec(size);
  if (!sized) return undefined;
  const vcpus = sized[2] === 'large' ? 2 : 4 * Number(sized[1] || 1);
  const facts: FamilyFacts | undefined =
    ACCELERATED[family] ?? (/^[cmr]\d+[a-z]*$/.test(family) ? { gibPerVcpu: GENERAL[family[0]] } : undefined);
  if (!facts) return undefined;
  const accelerators = facts.accelerators ? facts.accelerators[size] : 0;
  return accelerators === undefined ? undefined : { vcpus, memoryMib: Math.floor(vcpus * facts.gibPerVcpu * 1024), accelerators };
}
