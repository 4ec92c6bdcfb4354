import type { Size } from 'aws-cdk-lib';
import { enforce, isPositiveInteger } from '../../core/rule';
import type { TrainingSizing } from '../training-sizing';

/** Instances of a job. */
export interface StepComputeOptions {
  /**
   * Instances, 1-100.
   * @default 1
   */
  readonly instances?: number;
  /**
   * Volume of each instance, whole gibibytes, 1 GiB-16 TiB. Types with disks of their own use those instead, and it has to be smaller.
   * @default Size.gibibytes(30)
   */
  readonly volume?: Size;
}

const DEFAULT_VOLUME_GIB = 30;
// SizeRoundingBehavior.NONE: a fraction is refused by the rule rather than by the CDK.
const ROUND_NONE = 2;
// Families with disks of their own: a `d` after the generation, storage families, and GPU and Trainium families that always have some
// (EC2 user guide, instance store volumes).
const LOCAL_STORAGE = /^ml\.([a-z]+\d[a-z]*d[a-z]*|i\d\w*|g5|g6e?|g6f|gr6f?|g7e?|p5|p5en?|p6-\w+|trn1n?|trn2u?)\./;

/** The instances that a step runs on. */
export class StepCompute {
  /**
   * Instances by hand.
   *
   * @param instanceType As SageMaker names it: `ml.m7i.xlarge`.
   * @param options How many, and their volumes.
   * @throws Millrace.TrainingComputeInvalid, Millrace.TokenRefused
   */
  public static of(instanceType: string, options: StepComputeOptions = {}): StepCompute {
    return new StepCompute(instanceType, options.instances ?? 1, options.volume);
  }

  /**
   * Instances that a sizing chose; it is recorded on the pipeline.
   *
   * @throws Millrace.TrainingComputeInvalid, Millrace.TokenRefused
   */
  public static fromSizing(sizing: TrainingSizing, volume?: Size): StepCompute {
    return new StepCompute(sizing.sageMakerInstanceType, sizing.instances, volume, sizing);
  }

  /** @internal */
  public readonly _volumeGib: number;

  private constructor(
    /** As SageMaker names it. */
    public readonly instanceType: string,
    /** How many. */
    public readonly instances: number,
    /** @internal */
    public readonly _volume?: Size,
    /** The decision, where there is one. */
    public readonly sizing?: TrainingSizing,
  ) {
    this._volumeGib = _volume?.toGibibytes({ rounding: ROUND_NONE }) ?? DEFAULT_VOLUME_GIB;
    enforce('StepCompute', { instanceType, instances, volume: this._volumeGib }, [
      {
        code: 'Millrace.TrainingComputeInvalid',
        subject: 'instanceType',
        value: (input) => input.instanceType,
        valid: (given: string) => /^ml\.[a-z][a-z0-9-]*\.(\d*xlarge|large|medium)$/.test(given),
        allowed: 'an instance type as SageMaker names it: ml.m7i.xlarge',
        fix: 'write ml. before the EC2 type',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.TrainingComputeInvalid',
        subject: 'instances',
        value: (input) => input.instances,
        valid: (given: number) => isPositiveInteger(given) && given <= 100,
        allowed: 'a whole number from 1 to 100',
        fix: 'leave it out for 1',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.TrainingComputeInvalid',
        subject: 'volume',
        value: (input) => input.volume,
        valid: (given: number) => isPositiveInteger(given) && given <= 16_384,
        allowed: 'whole gibibytes, 1 GiB-16 TiB',
        fix: 'use Size.gibibytes(…)',
        tokens: 'refuse',
      },
    ]);
  }

  /**
   * Whether its instances have disks of their own: SageMaker refuses a key for the volume of such a type, whose disks are encrypted by the
   * hardware (SageMaker API reference, ResourceConfig).
   * @internal
   */
  public get _hasLocalStorage(): boolean {
    return LOCAL_STORAGE.test(this.instanceType);
  }

  /** @internal */
  public get _isBurstable(): boolean {
    return /^ml\.t\d/.test(this.instanceType);
  }
}
