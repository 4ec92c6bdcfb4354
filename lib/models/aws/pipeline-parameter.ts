import { enforce } from '../../core/rule';

/** A value that can be given when the pipeline is started. */
export class PipelineParameter {
  /**
   * A text.
   *
   * @throws Millrace.TrainingPipelineParameterInvalid
   */
  public static string(name: string, defaultValue: string): PipelineParameter {
    return new PipelineParameter(name, 'String', defaultValue);
  }

  /**
   * A whole number.
   *
   * @throws Millrace.TrainingPipelineParameterInvalid
   */
  public static integer(name: string, defaultValue: number): PipelineParameter {
    return new PipelineParameter(name, 'Integer', defaultValue);
  }

  /**
   * A number.
   *
   * @throws Millrace.TrainingPipelineParameterInvalid
   */
  public static float(name: string, defaultValue: number): PipelineParameter {
    return new PipelineParameter(name, 'Float', defaultValue);
  }

  private constructor(
    /** Its name. */
    public readonly parameterName: string,
    /** @internal */
    public readonly _type: 'String' | 'Integer' | 'Float',
    /** @internal */
    public readonly _default: string | number,
  ) {
    enforce('PipelineParameter', { parameterName, value: _default }, [
      {
        code: 'Millrace.TrainingPipelineParameterInvalid',
        subject: 'name',
        value: (input) => input.parameterName,
        valid: (given: string) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(given),
        allowed: '1-64 letters, digits, - or _',
        fix: 'rename the parameter',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.TrainingPipelineParameterInvalid',
        subject: 'defaultValue',
        value: (input) => input.value,
        valid: (given: string | number) =>
          _type === 'String' || (_type === 'Integer' ? Number.isSafeInteger(given) : Number.isFinite(given)),
        allowed: _type === 'Integer' ? 'a whole number' : 'a number',
        fix: 'correct the default, or use another kind of parameter',
        tokens: _type === 'String' ? 'skip' : 'refuse',
      },
    ]);
  }

  /** Stands for the value in hyperparameters, environment, arguments and messages of steps, alone or within a text. */
  public get value(): string {
    return `{{Parameters.${this.parameterName}${this._type === 'String' ? '' : ':text'}}}`;
  }

  /**
   * The value as what it is, for conditions.
   * @internal
   */
  public get _reference(): { readonly Get: string } {
    return { Get: `Parameters.${this.parameterName}` };
  }
}
