import type { PipelineParameter } from './pipeline-parameter';
import type { PipelineStep } from './pipeline-step';

/** A value that a condition compares. */
export class StepValue {
  /**
   * A value of a report that a processing step wrote.
   *
   * @param step The processing step.
   * @param report Name of the report, as the output declares it.
   * @param jsonPath Where the value stands in it: `binary_classification_metrics.auc.value`.
   */
  public static fromReport(step: PipelineStep, report: string, jsonPath: string): StepValue {
    const expression = {
      'Std:JsonGet': { PropertyFile: { Get: `Steps.${step.stepName}.PropertyFiles.${report}` }, Path: jsonPath },
    };
    return new StepValue(expression, step, report);
  }

  /** The last value of a metric of a training step, by its name. */
  public static fromMetric(step: PipelineStep, metric: string): StepValue {
    return new StepValue({ Get: `Steps.${step.stepName}.FinalMetricDataList['${metric}'].Value` }, step, undefined, metric);
  }

  /** A parameter of the pipeline. */
  public static fromParameter(parameter: PipelineParameter): StepValue {
    return new StepValue(parameter._reference);
  }

  private constructor(
    /** @internal */
    public readonly _expression: unknown,
    /** @internal */
    public readonly _step?: PipelineStep,
    /** @internal */
    public readonly _report?: string,
    /** @internal */
    public readonly _metric?: string,
  ) {}
}

/** What has to hold. */
export class StepCondition {
  /** The value is this or more. */
  public static atLeast(value: StepValue, limit: number): StepCondition {
    return new StepCondition('GreaterThanOrEqualTo', value, limit);
  }

  /** The value is this or less. */
  public static atMost(value: StepValue, limit: number): StepCondition {
    return new StepCondition('LessThanOrEqualTo', value, limit);
  }

  /** The value is no less than another, for example than a parameter. */
  public static notBelow(value: StepValue, other: StepValue): StepCondition {
    return new StepCondition('GreaterThanOrEqualTo', value, other);
  }

  private constructor(
    private readonly type: string,
    private readonly left: StepValue,
    private readonly right: number | StepValue,
  ) {}

  /** @internal */
  public get _values(): StepValue[] {
    return [this.left, ...(this.right instanceof StepValue ? [this.right] : [])];
  }

  /** @internal */
  public _render(): Record<string, unknown> {
    const right = this.right instanceof StepValue ? this.right._expression : this.right;
    return { Type: this.type, LeftValue: this.left._expression, RightValue: right };
  }
}
