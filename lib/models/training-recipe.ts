import { enforce } from '../core/rule';

// Two bytes of weight, two of gradient, twelve of optimizer: a copy of the weight, momentum and variance in single precision.
const MIXED_PRECISION_ADAM_BYTES = 16;
const HALF_PRECISION_BYTES = 2;

/** How many bytes of memory a training keeps for each weight, without the activations. */
export class TrainingRecipe {
  /**
   * Mixed precision with Adam: 16 bytes a weight (ZeRO: Memory Optimizations Toward Training Trillion Parameter Models, section 3.1; frameworks
   * that keep gradients in single precision need 18, see `custom`).
   */
  public static mixedPrecisionAdam(): TrainingRecipe {
    return new TrainingRecipe('mixed-precision Adam', MIXED_PRECISION_ADAM_BYTES);
  }

  /**
   * Low-rank adapters: the weights stand still in half precision, 2 bytes each, and only the adapters are trained, 16 bytes each.
   *
   * @param trainableShare Weights of the adapters as a share of those of the model, above 0 and below 1; 0.01 is usual.
   * @throws Millrace.TrainingDemandInvalid, Millrace.TokenRefused
   */
  public static lora(trainableShare: number): TrainingRecipe {
    enforce('TrainingRecipe.lora', { trainableShare }, [
      {
        code: 'Millrace.TrainingDemandInvalid',
        subject: 'trainableShare',
        value: (input) => input.trainableShare,
        valid: (share: number) => share > 0 && share < 1,
        allowed: 'a number above 0 and below 1',
        fix: 'divide the weights of the adapters by those of the model',
        tokens: 'refuse',
      },
    ]);
    return new TrainingRecipe(`LoRA of ${trainableShare}`, HALF_PRECISION_BYTES + trainableShare * MIXED_PRECISION_ADAM_BYTES);
  }

  /**
   * Another recipe.
   *
   * @param bytes Bytes a weight, above 0 and at most 64: weight, gradient and state of the optimizer.
   * @throws Millrace.TrainingDemandInvalid, Millrace.TokenRefused
   */
  public static custom(bytes: number): TrainingRecipe {
    enforce('TrainingRecipe.custom', { bytes }, [
      {
        code: 'Millrace.TrainingDemandInvalid',
        subject: 'bytes',
        value: (input) => input.bytes,
        valid: (given: number) => given > 0 && given <= 64,
        allowed: 'a number above 0, at most 64',
        fix: 'add up weight, gradient and state of the optimizer',
        tokens: 'refuse',
      },
    ]);
    return new TrainingRecipe('the given recipe', bytes);
  }

  private constructor(
    /** What it is called in a reason. */
    public readonly label: string,
    /** Bytes a weight. */
    public readonly bytesPerParameter: number,
  ) {}
}
