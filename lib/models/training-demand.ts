import type { Duration, Size } from 'aws-cdk-lib';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import type { TrainingRecipe } from './training-recipe';

/** What a training reached on one instance, as its own log said. */
export interface TrainingBenchmark {
  /** EC2 instance type that it ran on, for example `g6.xlarge`. */
  readonly instanceType: string;
  /** Examples, or tokens, that the whole instance took a second. */
  readonly examplesPerSecond: number;
}

/** What a training must hold in memory and do in time. */
export interface TrainingDemand {
  /**
   * What was measured, one entry for each GPU model or family of CPUs that may be chosen. Others are not: their speed is not known.
   */
  readonly benchmarks: TrainingBenchmark[];
  /** Examples, or tokens, in one pass over the data. */
  readonly examples: number;
  /** Time in which the training has to be done, without the start of the instances. */
  readonly deadline: Duration;
  /**
   * Passes over the data.
   * @default 1
   */
  readonly epochs?: number;
  /**
   * Memory of the model.
   * @default - does not matter: anything fits
   */
  readonly memory?: TrainingMemory;
}

/** Memory of a training. State it, or let it follow from the number of weights. */
export interface TrainingMemory {
  /**
   * Weights of the model.
   * @default - none: `modelStates` is given
   */
  readonly parameters?: number;
  /**
   * Bytes for each weight.
   * @default TrainingRecipe.mixedPrecisionAdam()
   */
  readonly recipe?: TrainingRecipe;
  /**
   * Weights, gradients and optimizer together; for trees and other models without weights, the data set in memory.
   * @default - parameters x recipe
   */
  readonly modelStates?: Size;
  /**
   * Activations and temporary buffers on each GPU, or on each instance without one.
   * @default - a fifth of the memory of the device
   */
  readonly activations?: Size;
  /**
   * Whether the states are split over all GPUs (ZeRO stage 3, FSDP) rather than held by each of them whole.
   * @default false
   */
  readonly sharded?: boolean;
}

const row = (
  subject: string,
  value: (demand: TrainingDemand) => unknown,
  valid: (value: never) => boolean,
  allowed: string,
  fix: string,
): Rule<TrainingDemand> => ({ code: 'Millrace.TrainingDemandInvalid', subject, value, valid, allowed, fix, tokens: 'refuse' });

/** Rules for a demand; whether an instance type is known is checked where the types are. */
export const TRAINING_DEMAND_RULES: readonly Rule<TrainingDemand>[] = [
  row(
    'benchmarks',
    (demand) => demand.benchmarks.map(({ examplesPerSecond }) => examplesPerSecond),
    (rates: number[]) => rates.length > 0 && rates.every(isPositive),
    'at least one measured rate above zero',
    'train for some minutes on one instance and read the rate from the log',
  ),
  row('examples', ({ examples }) => examples, isPositive, 'a number above zero', 'count the records, or the tokens, of the data set'),
  row('deadline', ({ deadline }) => deadline.toMilliseconds({ integral: false }), isPositive, 'a time above zero', 'use Duration.hours(…)'),
  row('epochs', ({ epochs }) => epochs, isPositive, 'a number above zero', 'leave it out for one pass'),
  row(
    'memory.parameters',
    ({ memory }) => memory?.parameters,
    isPositiveInteger,
    'a whole number above zero',
    'count the weights: 8_030_000_000 for a model of 8B',
  ),
  row(
    'memory',
    ({ memory }) => (memory ? [memory.parameters, memory.modelStates].filter((given) => given !== undefined).length : undefined),
    (given: number) => given === 1,
    'either parameters or modelStates',
    'state the one that is known',
  ),
];
