import { enforce } from '../../core/rule';
import { checkLocation } from './location-rules';
import { BIAS_RULES, DATA_QUALITY_RULES, EXPLAINABILITY_RULES, MODEL_QUALITY_RULES } from './monitor-rules';
import { type BiasOptions, type DataQualityOptions, type ExplainabilityOptions, type ModelQualityOptions } from './monitor-options';

/** What a monitor looks at. */
export class MonitorKind {
  /**
   * The data that comes in: missing values, wrong types, drift away from the data of the training.
   *
   * @throws Millrace.ModelMonitorInvalid, Millrace.ModelMonitorFeatureUnknown, Millrace.TrainingLocationInvalid, Millrace.TokenRefused
   */
  public static dataQuality(options: DataQualityOptions): MonitorKind {
    enforce('MonitorKind.dataQuality', options, DATA_QUALITY_RULES);
    for (const location of [options.constraints, options.statistics]) checkLocation('MonitorKind.dataQuality', location);
    return new MonitorKind('DataQuality', options);
  }

  /**
   * The predictions, once it is known what was true.
   *
   * @throws Millrace.ModelMonitorInvalid, Millrace.TrainingLocationInvalid, Millrace.TokenRefused
   */
  public static modelQuality(options: ModelQualityOptions): MonitorKind {
    enforce('MonitorKind.modelQuality', options, MODEL_QUALITY_RULES);
    for (const location of [options.constraints, options.groundTruth]) checkLocation('MonitorKind.modelQuality', location);
    return new MonitorKind('ModelQuality', undefined, options);
  }

  /**
   * Whether groups are treated alike.
   *
   * @throws Millrace.ModelMonitorInvalid, Millrace.TrainingLocationInvalid, Millrace.TokenRefused
   */
  public static bias(options: BiasOptions): MonitorKind {
    enforce('MonitorKind.bias', options, BIAS_RULES);
    for (const location of [options.config, options.constraints, options.groundTruth]) checkLocation('MonitorKind.bias', location);
    return new MonitorKind('ModelBias', undefined, undefined, options);
  }

  /**
   * What the predictions follow from.
   *
   * @throws Millrace.ModelMonitorInvalid, Millrace.TrainingLocationInvalid, Millrace.TokenRefused
   */
  public static explainability(options: ExplainabilityOptions): MonitorKind {
    enforce('MonitorKind.explainability', options, EXPLAINABILITY_RULES);
    for (const location of [options.config, options.constraints]) checkLocation('MonitorKind.explainability', location);
    return new MonitorKind('ModelExplainability', undefined, undefined, undefined, options);
  }

  private constructor(
    /** The type of monitor as SageMaker names it. */
    public readonly monitoringType: string,
    /** @internal */
    public readonly _dataQuality?: DataQualityOptions,
    /** @internal */
    public readonly _modelQuality?: ModelQualityOptions,
    /** @internal */
    public readonly _bias?: BiasOptions,
    /** @internal */
    public readonly _explainability?: ExplainabilityOptions,
  ) {}
}
