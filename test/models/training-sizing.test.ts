import { Duration, Size } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { TrainingRecipe } from '../../lib/models/training-recipe';
import { TrainingSizing } from '../../lib/models/training-sizing';
import { instanceTypes } from '../../lib/workloads/instance-type';
import { codeOf, refusalOf } from '../contract/refusal';

const G6 = { instanceType: 'g6.xlarge', examplesPerSecond: 1000 };
const DEMAND = { benchmarks: [G6], examples: 3_600_000, deadline: Duration.hours(2) };

describe('the memory of a training', () => {
  test('is 16 bytes a weight with mixed-precision Adam: a model of 7.5B needs 120 GB (ZeRO paper, figure 1)', () => {
    expect(TrainingRecipe.mixedPrecisionAdam().bytesPerParameter * 7.5e9).toBe(120e9);
  });

  test('is what is trained and what stands still, with LoRA', () => {
    expect(TrainingRecipe.lora(0.01).bytesPerParameter).toBeCloseTo(2.16, 10);
    expect(codeOf(() => TrainingRecipe.lora(1))).toBe('Millrace.TrainingDemandInvalid');
    expect(codeOf(() => TrainingRecipe.custom(0))).toBe('Millrace.TrainingDemandInvalid');
  });

  test('decides the GPU: 1B weights are 16 GB, which one L4 holds with its activations; 1.3B are too many', () => {
    const of = (parameters: number) => () =>
      TrainingSizing.forDemand({ ...DEMAND, memory: { parameters, activations: Size.gibibytes(2) } });
    expect(of(1_000_000_000)().instanceType).toBe('g6.xlarge');
    expect(codeOf(of(1_300_000_000))).toBe('Millrace.TrainingDemandDoesNotFit');
  });

  test('is split over all GPUs where the states are sharded', () => {
    const memory = { parameters: 8_030_000_000, activations: Size.gibibytes(2), sharded: true };
    const sizing = TrainingSizing.forDemand({ ...DEMAND, deadline: Duration.hours(24), memory });
    // 128.48 GB over 7 or more of 18.1 GiB each: eight L4.
    const gpus = sizing.gpusPerInstance * sizing.instances;
    expect(gpus).toBeGreaterThanOrEqual(7);
    expect(codeOf(() => TrainingSizing.forDemand({ ...DEMAND, memory: { ...memory, sharded: false } }))).toBe(
      'Millrace.TrainingDemandDoesNotFit',
    );
  });
});

describe('the choice', () => {
  test('is the cheapest that is done in time: an hour on the measured instance', () => {
    const sizing = TrainingSizing.forDemand(DEMAND);
    expect(sizing.choice).toBe('g6.xlarge x 1');
    expect(sizing.hours).toBe(1);
    expect(sizing.sageMakerInstanceType).toBe('ml.g6.xlarge');
    expect(sizing.hourlyEc2Price).toBe(0.8048);
    expect(sizing.reason).toContain('EC2 price $0.80 a run');
    expect(sizing.utilisation.deadline).toBe(0.5);
  });

  test('has more instances where one would be late, each a tenth slower', () => {
    const sizing = TrainingSizing.forDemand({ ...DEMAND, deadline: Duration.minutes(30) });
    expect(sizing.choice).toBe('g6.xlarge x 3');
    expect(sizing.hours).toBeCloseTo(1 / 2.7, 10);
    expect(sizing.alternatives.length).toBe(3);
  });

  test('trains on CPUs where that was measured, and on Graviton outside of SageMaker alone', () => {
    const cpu = { benchmarks: [{ instanceType: 'c7g.xlarge', examplesPerSecond: 1000 }], examples: 3_600_000, deadline: Duration.hours(2) };
    expect(TrainingSizing.forDemand(cpu, { sageMaker: false }).instanceType).toMatch(/^c7g\./);
    expect(codeOf(() => TrainingSizing.forDemand(cpu))).toBe('Millrace.TrainingDemandDoesNotFit');
  });

  test('never takes a GPU that was not measured', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000 }), fc.integer({ min: 1, max: 100 }), (examples, hours) => {
        const demand = { benchmarks: [G6], examples, deadline: Duration.hours(hours) };
        if (codeOf(() => TrainingSizing.forDemand(demand)) !== undefined) return;
        const sizing = TrainingSizing.forDemand(demand);
        expect(sizing.instanceType).toMatch(/^g6\./);
        expect(sizing.hours!).toBeLessThanOrEqual(hours);
      }),
    );
  });

  test('is the cheapest of all that fit, for every demand', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 48 }), (millions, hours) => {
        const demand = { benchmarks: [G6], examples: millions * 1_000_000, deadline: Duration.hours(hours) };
        if (codeOf(() => TrainingSizing.forDemand(demand)) !== undefined) return;
        const sizing = TrainingSizing.forDemand(demand);
        const cost = sizing.hourlyEc2Price * sizing.hours!;
        for (const type of instanceTypes().filter(({ family }) => family === 'g6')) {
          for (let count = 1; count <= 8; count += 1) {
            const gpus = type.gpus * count;
            const needed = demand.examples / (1000 * gpus * (gpus > 1 ? 0.9 : 1)) / 3600;
            if (needed <= hours) expect(cost).toBeLessThanOrEqual(needed * type.hourly * count + 1e-3);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('what cannot be is refused with its arithmetic', () => {
  const work = () => TrainingSizing.forDemand({ ...DEMAND, memory: { parameters: 70_600_000_000 } });
  expect(refusalOf(work)).toEqual(['Millrace.TrainingDemandDoesNotFit demand']);
  expect(work).toThrow(/70600000000 weights x 16 bytes \(mixed-precision Adam\) = 1052 GiB of model states, whole on each device/);
  expect(work).toThrow(/g6\.48xlarge: 1056\.5 GiB of 20\.1 GiB usable on each GPU/);
});

test('what is no demand is refused', () => {
  const of = (more: object) => refusalOf(() => TrainingSizing.forDemand({ ...DEMAND, ...more }));
  expect(of({ benchmarks: [] })).toEqual(['Millrace.TrainingDemandInvalid benchmarks']);
  expect(of({ benchmarks: [{ instanceType: 'ml.g6.xlarge', examplesPerSecond: 1 }] })).toEqual([
    'Millrace.TrainingDemandInvalid benchmarks.instanceType',
  ]);
  expect(of({ examples: 0, deadline: Duration.seconds(0), epochs: 0 })).toEqual([
    'Millrace.TrainingDemandInvalid examples',
    'Millrace.TrainingDemandInvalid deadline',
    'Millrace.TrainingDemandInvalid epochs',
  ]);
  expect(of({ memory: {} })).toEqual(['Millrace.TrainingDemandInvalid memory']);
  expect(codeOf(() => TrainingSizing.forDemand(DEMAND, { maxInstances: 65 }))).toBe('Millrace.TrainingDemandInvalid');
  expect(codeOf(() => TrainingSizing.fixed({ instanceType: 'x' }))).toBe('Millrace.TrainingDemandInvalid');
  expect(TrainingSizing.fixed({ instanceType: 'p5.48xlarge', instances: 2 }).choice).toBe('p5.48xlarge x 2');
});
