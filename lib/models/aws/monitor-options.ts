import type { Duration } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { ModelInput } from '../model-input';
import type { JobNetwork } from './job-network';
import type { StepCompute } from './step-compute';
import type { StepImage } from './step-image';
import type { StorageLocation } from './storage-location';

/** How the jobs of a monitor run. */
export interface MonitorJobs {
  /**
   * Their instances.
   * @default StepCompute.of('ml.m5.xlarge')
   */
  readonly compute?: StepCompute;
  /**
   * Time after which one is stopped, whole seconds, 1 s-24 h; it has to end before the next execution begins. Where labels are awaited,
   * an execution has two jobs, and each has half of the time.
   * @default - the time that it has, less ten minutes, at most an hour
   */
  readonly maxRuntime?: Duration;
  /**
   * Their network.
   * @default - SageMaker's own
   */
  readonly network?: JobNetwork;
  /**
   * Key for their volumes and reports.
   * @default - volumes by SageMaker's key, reports by that of their bucket
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * The container, where the region of the stack is not known at synth or is one that has none in the table of this library.
   * @default - the one that AWS keeps in the region
   */
  readonly image?: StepImage;
}

/** Who hears of it. */
export interface MonitorAlarms {
  /**
   * What an alarm does.
   * @default - nothing: others build on it
   */
  readonly actions?: IAlarmAction[];
  /**
   * Executions in a row without a result after which the monitor counts as broken: a job failed, or nothing was captured. 1-7.
   * @default 3
   */
  readonly silentAfter?: number;
}

/** The data that comes in, compared with that of the training. */
export interface DataQualityOptions {
  /** `constraints.json` of the baseline; it switches the metrics on with `"emit_metrics": "Enabled"`. */
  readonly constraints: StorageLocation;
  /** `statistics.json` of the baseline. */
  readonly statistics: StorageLocation;
  /** What the model takes; its fields are the columns that were captured. */
  readonly input: ModelInput;
  /**
   * Fields with an alarm of their own.
   * @default - all fields of the input
   */
  readonly watched?: string[];
  /**
   * Distance from the baseline above which the alarm fires, 0-1. 0.1 is what the baseline job suggests as `comparison_threshold`.
   * @default 0.1
   */
  readonly driftThreshold?: number;
}

/** What kind of prediction is judged. */
export enum ModelProblem {
  /** A number. */
  REGRESSION = 'Regression',
  /** Yes or no. */
  BINARY_CLASSIFICATION = 'BinaryClassification',
  /** One of many. */
  MULTICLASS_CLASSIFICATION = 'MulticlassClassification',
}

/** Where in a captured answer the prediction stands. */
export interface PredictionAttributes {
  /**
   * Index or JMESPath of the prediction.
   * @default - the probability decides
   */
  readonly inference?: string;
  /**
   * Index or JMESPath of the probability.
   * @default - the prediction is given
   */
  readonly probability?: string;
  /**
   * Probability from which the answer is yes, 0-1.
   * @default - 0.5 (SageMaker)
   */
  readonly probabilityThreshold?: number;
  /**
   * JMESPath of the features in a captured request of JSON.
   * @default - the request is CSV
   */
  readonly features?: string;
}

/** A limit of a metric. */
export interface MetricLimit {
  /** Name as SageMaker publishes it: `auc`, `f1`, `recall`, `rmse`. */
  readonly metric: string;
  /**
   * The alarm fires below it.
   * @default - none
   */
  readonly least?: number;
  /**
   * The alarm fires above it.
   * @default - none
   */
  readonly most?: number;
}

/** The predictions, compared with what turned out to be true. */
export interface ModelQualityOptions {
  /** `constraints.json` of the baseline. */
  readonly constraints: StorageLocation;
  /** Where the labels arrive: `<prefix>/yyyy/mm/dd/hh/*.jsonl`, with the ids of the events. */
  readonly groundTruth: StorageLocation;
  /** What kind of prediction it is. */
  readonly problem: ModelProblem;
  /** Where the prediction stands. */
  readonly prediction: PredictionAttributes;
  /** Limits with an alarm each; at least one. */
  readonly limits: MetricLimit[];
  /**
   * How long after a prediction its label is there, in whole hours, up to 90 days: the monitor looks that far back.
   * @default - at once
   */
  readonly labelDelay?: Duration;
}

/** A limit of a bias metric. */
export interface BiasLimit extends MetricLimit {
  /** Name of the label, as in the analysis configuration. */
  readonly label: string;
  /** Its value. */
  readonly labelValue: string;
  /** The attribute that is protected. */
  readonly facet: string;
  /** Its value. */
  readonly facetValue: string;
}

/** Whether the predictions treat groups alike (SageMaker Clarify). */
export interface BiasOptions {
  /** `analysis_config.json` of Clarify. */
  readonly config: StorageLocation;
  /** `analysis.json` of the baseline. */
  readonly constraints: StorageLocation;
  /** Where the labels arrive. */
  readonly groundTruth: StorageLocation;
  /** Where the prediction stands. */
  readonly prediction: PredictionAttributes;
  /** Limits with an alarm each, by the short names of Clarify: `DPPL`, `DI`; at least one. */
  readonly limits: BiasLimit[];
  /**
   * How long after a prediction its label is there, in whole hours, up to 90 days.
   * @default - at once
   */
  readonly labelDelay?: Duration;
}

/** What the predictions follow from (SageMaker Clarify, SHAP). */
export interface ExplainabilityOptions {
  /** `analysis_config.json` of Clarify. Its predictor names the model and the prefix of the endpoint that are given here. */
  readonly config: StorageLocation;
  /** `analysis.json` of the baseline. */
  readonly constraints: StorageLocation;
  /** Model that is asked: Clarify makes an endpoint of it for the time of the job. */
  readonly modelName: string;
  /** What the name of that endpoint begins with (`endpoint_name_prefix` of the predictor), 1-40 characters. */
  readonly endpointPrefix: string;
  /** Name of the label: `label_headers` of the configuration, or `label0`. */
  readonly label: string;
  /** Limits of the mean share of a feature in the predictions, with an alarm each; `metric` is the feature. At least one. */
  readonly limits: MetricLimit[];
  /**
   * Where features and prediction stand.
   * @default - CSV, the answer is the prediction
   */
  readonly prediction?: PredictionAttributes;
}
