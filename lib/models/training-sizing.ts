import { refuse } from '../core/error';
import { type Rule, enforce, isPositiveInteger } from '../core/rule';
import { Sizing, type SizingAlternative, type SizingDecision } from '../core/sizing';
import { type InstanceType, instanceTypes, priceNote } from '../workloads/instance-type';
import { TRAINING_DEMAND_RULES, type TrainingDemand } from './training-demand';
import { TrainingRecipe } from './training-recipe';

/** How a training is sized. */
export interface TrainingSizingOptions {
  /**
   * Whether only types are taken that SageMaker trains on (SageMaker API reference, ResourceConfig).
   * @default true
   */
  readonly sageMaker?: boolean;
  /**
   * Instances at most, 1-64.
   * @default 8
   */
  readonly maxInstances?: number;
  /**
   * Share of the measured rate that each device keeps once there are more devices than were measured, above 0 and at most 1. Measure it: it
   * depends on the network and the model.
   * @default 0.9
   */
  readonly scalingEfficiency?: number;
}

/** Instances of a training chosen by hand. */
export interface FixedTrainingSize {
  /** EC2 instance type, for example `g6.xlarge`. */
  readonly instanceType: string;
  /**
   * Instances.
   * @default 1
   */
  readonly instances?: number;
}

interface Candidate {
  readonly type: InstanceType;
  readonly instances: number;
  readonly hours: number;
  readonly cost: number;
  readonly memoryShare: number;
  readonly deadlineShare: number;
}
interface Misfit {
  readonly type: InstanceType;
  readonly memory: string;
  readonly time: string;
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const MAX_INSTANCES = 8;
const EFFICIENCY = 0.9;
// The driver, the framework and fragmentation take the rest.
const USABLE = 0.9;
const ACTIVATION_SHARE = 0.2;
const SAGEMAKER_FAMILIES = ['c6i', 'c7i', 'g5', 'g6', 'g6e', 'm6i', 'm7i', 'p4d', 'p4de', 'p5', 'p5en', 'r7i'];

/** The instances of a training: the cheapest that hold the model and are done in time, at the prices of EC2. */
export class TrainingSizing extends Sizing {
  /**
   * The cheapest instances for a demand. A device is a GPU, or a vCPU of a type without one; each does what it did in the benchmark, less the
   * scaling efficiency. Memory is a share of 0.9 of what the device has. Prices are those of EC2 on demand, which SageMaker's exceed by
   * a factor of its own; spot lowers both.
   *
   * @throws Millrace.TrainingDemandInvalid, Millrace.TrainingDemandDoesNotFit, Millrace.TokenRefused
   */
  public static forDemand(demand: TrainingDemand, options: TrainingSizingOptions = {}): TrainingSizing {
    enforce('TrainingSizing.forDemand', demand, [
      ...TRAINING_DEMAND_RULES,
      knownTypes('benchmarks.instanceType', ({ benchmarks }) => benchmarks.map(({ instanceType }) => instanceType)),
    ]);
    enforce('TrainingSizing.forDemand', options, OPTION_RULES);
    const types = candidateTypes(demand, options);
    const judged = types.map((type) => judge(type, demand, options));
    const fitting = judged.filter((each): each is Candidate => 'cost' in each);
    if (fitting.length === 0) refuseDemand(demand, judged as Misfit[], options);
    fitting.sort((a, b) => a.cost - b.cost || a.instances - b.instances || a.type.name.localeCompare(b.type.name));
    const [best, ...others] = fitting;
    return new TrainingSizing(best.type, best.instances, best.hours, {
      bottleneck: best.memoryShare > best.deadlineShare ? 'memory' : 'deadline',
      utilisation: { memory: best.memoryShare, deadline: best.deadlineShare },
      alternatives: others.slice(0, 3).map((other) => alternative(other, best)),
      reason: reasonOf(best, demand),
    });
  }

  /**
   * Instances decided elsewhere.
   *
   * @throws Millrace.TrainingDemandInvalid, Millrace.TokenRefused
   */
  public static fixed(size: FixedTrainingSize): TrainingSizing {
    enforce('TrainingSizing.fixed', size, [
      knownTypes('instanceType', (input) => [input.instanceType]),
      {
        code: 'Millrace.TrainingDemandInvalid',
        subject: 'instances',
        value: (input) => input.instances,
        valid: isPositiveInteger,
        allowed: 'a whole number above zero',
        fix: 'leave it out for 1',
        tokens: 'refuse',
      },
    ]);
    const type = typeNamed(size.instanceType)!;
    return new TrainingSizing(type, size.instances ?? 1, undefined, {
      bottleneck: 'chosen by hand',
      utilisation: {},
      alternatives: [],
      reason: 'the instances were given, not derived from a demand',
    });
  }

  /** EC2 instance type. */
  public readonly instanceType: string;
  /** GPUs of each instance. */
  public readonly gpusPerInstance: number;
  /** EC2 price of all instances for an hour, on demand, in US dollars. */
  public readonly hourlyEc2Price: number;

  private constructor(
    type: InstanceType,
    /** Instances. */
    public readonly instances: number,
    /** Hours that the training takes by the benchmark. */
    public readonly hours: number | undefined,
    decision: Omit<SizingDecision, 'choice'>,
  ) {
    super({ choice: `${type.name} x ${instances}`, ...decision });
    this.instanceType = type.name;
    this.gpusPerInstance = type.gpus;
    this.hourlyEc2Price = Number((type.hourly * instances).toFixed(4));
  }

  /** The instance type as SageMaker names it. */
  public get sageMakerInstanceType(): string {
    return `ml.${this.instanceType}`;
  }
}

function typeNamed(name: string): InstanceType | undefined {
  return instanceTypes().find((type) => type.name === name);
}

function knownTypes<P>(subject: string, value: (input: P) => string[]): Rule<P> {
  return {
    code: 'Millrace.TrainingDemandInvalid',
    subject,
    value,
    valid: (names: string[]) => names.every((name) => typeNamed(name) !== undefined),
    allowed: 'EC2 instance types of the families that the package knows, such as g6.xlarge or c7i.8xlarge, without ml.',
    fix: 'use a type of one of these families',
    tokens: 'refuse',
  };
}

const OPTION_RULES: readonly Rule<TrainingSizingOptions>[] = [
  {
    code: 'Millrace.TrainingDemandInvalid',
    subject: 'maxInstances',
    value: (options) => options.maxInstances,
    valid: (given: number) => isPositiveInteger(given) && given <= 64,
    allowed: 'a whole number from 1 to 64',
    fix: `leave it out for ${MAX_INSTANCES}`,
    tokens: 'refuse',
  },
  {
    code: 'Millrace.TrainingDemandInvalid',
    subject: 'scalingEfficiency',
    value: (options) => options.scalingEfficiency,
    valid: (given: number) => given > 0 && given <= 1,
    allowed: 'a number above 0, at most 1',
    fix: `leave it out for ${EFFICIENCY}`,
    tokens: 'refuse',
  },
];

/** Types without a GPU differ by family; those with one by the GPU, whatever the size around it. */
function speedClass(type: InstanceType): string {
  return type.gpus > 0 ? type.kind : type.family;
}

function devicesOf(type: InstanceType): number {
  return type.gpus || type.vcpus;
}

function candidateTypes(demand: TrainingDemand, { sageMaker = true }: TrainingSizingOptions): InstanceType[] {
  const measured = new Set(demand.benchmarks.map(({ instanceType }) => speedClass(typeNamed(instanceType)!)));
  return instanceTypes().filter((type) => measured.has(speedClass(type)) && (!sageMaker || SAGEMAKER_FAMILIES.includes(type.family)));
}

/** The slowest benchmark of a class counts: a bound that held once more cannot be promised. */
function rateOf(
  type: InstanceType,
  instances: number,
  demand: TrainingDemand,
  { scalingEfficiency = EFFICIENCY }: TrainingSizingOptions,
): number {
  const devices = devicesOf(type) * instances;
  const rates = demand.benchmarks
    .map(({ instanceType, examplesPerSecond }) => ({ on: typeNamed(instanceType)!, examplesPerSecond }))
    .filter(({ on }) => speedClass(on) === speedClass(type))
    .map(({ on, examplesPerSecond }) => (examplesPerSecond / devicesOf(on)) * devices * (devices > devicesOf(on) ? scalingEfficiency : 1));
  return Math.min(...rates);
}

/** Bytes that each device, or each instance without a GPU, has to hold, and has. */
function memoryOf(type: InstanceType, instances: number, demand: TrainingDemand): { needed: number; usable: number } {
  const has = (type.gpus > 0 ? type.gpuMemoryMib : type.memoryMib) * MIB;
  const { memory } = demand;
  if (!memory) return { needed: 0, usable: has * USABLE };
  const holders = (type.gpus || 1) * instances;
  const states = statesOf(demand) / (memory.sharded ? holders : 1);
  return { needed: states + (memory.activations?.toBytes() ?? has * ACTIVATION_SHARE), usable: has * USABLE };
}

function statesOf({ memory }: TrainingDemand): number {
  if (!memory) return 0;
  const { recipe = TrainingRecipe.mixedPrecisionAdam() } = memory;
  return memory.modelStates?.toBytes() ?? memory.parameters! * recipe.bytesPerParameter;
}

function judge(type: InstanceType, demand: TrainingDemand, options: TrainingSizingOptions): Candidate | Misfit {
  const deadline = demand.deadline.toHours({ integral: false });
  const work = demand.examples * (demand.epochs ?? 1);
  const most = options.maxInstances ?? MAX_INSTANCES;
  for (let instances = 1; instances <= most; instances += 1) {
    const { needed, usable } = memoryOf(type, instances, demand);
    const hours = work / rateOf(type, instances, demand, options) / 3600;
    if (needed > usable || hours > deadline) continue;
    return { type, instances, hours, cost: hours * instances * type.hourly, memoryShare: needed / usable, deadlineShare: hours / deadline };
  }
  const { needed, usable } = memoryOf(type, most, demand);
  const hours = work / rateOf(type, most, demand, options) / 3600;
  const device = type.gpus > 0 ? 'GPU' : 'instance';
  return {
    type,
    memory: needed > usable ? `${gib(needed)} of ${gib(usable)} usable on each ${device}` : '',
    time: hours > deadline ? `${Number(hours.toFixed(1))} h on ${most} of them, with ${Number(deadline.toFixed(1))} h to go` : '',
  };
}

function gib(bytes: number): string {
  return `${Number((bytes / GIB).toFixed(1))} GiB`;
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}

function alternative(other: Candidate, best: Candidate): SizingAlternative {
  return {
    choice: `${other.type.name} x ${other.instances}`,
    bottleneck: other.memoryShare > other.deadlineShare ? 'memory' : 'deadline',
    reason: `${Number(other.hours.toFixed(2))} h at the EC2 price of ${dollars(other.cost)}, ${dollars(other.cost - best.cost)} more`,
  };
}

function statesText({ memory }: TrainingDemand): string {
  if (!memory) return 'memory was not stated';
  const { parameters, recipe = TrainingRecipe.mixedPrecisionAdam(), sharded } = memory;
  const demand = { memory } as TrainingDemand;
  const formula =
    parameters === undefined ? '' : `${parameters} weights x ${Number(recipe.bytesPerParameter.toFixed(2))} bytes (${recipe.label}) = `;
  return `${formula}${gib(statesOf(demand))} of model states, ${sharded ? 'split over all GPUs' : 'whole on each device'}`;
}

function reasonOf(best: Candidate, demand: TrainingDemand): string {
  const work = demand.examples * (demand.epochs ?? 1);
  const { needed, usable } = memoryOf(best.type, best.instances, demand);
  return (
    `${statesText(demand)}${demand.memory ? `: ${gib(needed)} of ${gib(usable)} usable with activations` : ''}; ${work} examples take ` +
    `${Number(best.hours.toFixed(2))} h on ${best.instances} x ${best.type.name}; EC2 price ${dollars(best.cost)} a run ` +
    `(${best.type.hourly} ${priceNote()}; SageMaker asks more)`
  );
}

function refuseDemand(demand: TrainingDemand, misfits: Misfit[], options: TrainingSizingOptions): never {
  const reasons = misfits
    .sort((a, b) => devicesOf(b.type) - devicesOf(a.type) || a.type.name.localeCompare(b.type.name))
    .slice(0, 3)
    .map(({ type, memory, time }) => `${type.name}: ${[memory, time].filter(Boolean).join(', ') || 'never both at once'}`);
  return refuse('TrainingSizing.forDemand', {
    code: 'Millrace.TrainingDemandDoesNotFit',
    subject: 'demand',
    received: `${statesText(demand)}; ${reasons.join('; ') || 'no type that SageMaker trains on was measured'}`,
    allowed: `at most ${options.maxInstances ?? MAX_INSTANCES} instances of a GPU model or CPU family that was measured`,
    fix: 'measure on a larger GPU, shard the states, train adapters (LoRA), allow more instances or more time',
  });
}
