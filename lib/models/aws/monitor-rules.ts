import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import type {
  BiasOptions,
  DataQualityOptions,
  ExplainabilityOptions,
  MetricLimit,
  ModelQualityOptions,
  PredictionAttributes,
} from './monitor-options';

const INVALID = 'Millrace.ModelMonitorInvalid';
const LONGEST_DELAY_HOURS = 90 * 24;

function row<P>(
  subject: string,
  value: (options: P) => unknown,
  valid: (value: never) => boolean,
  allowed: string,
  fix: string,
  code = INVALID,
): Rule<P> {
  return { code, subject, value, valid, allowed, fix, tokens: 'refuse' };
}

function limitRule<P extends { readonly limits: MetricLimit[] }>(): Rule<P> {
  return row(
    'limits',
    ({ limits }) => limits.map(({ metric, least, most }) => [metric, ...[least, most].filter((limit) => limit !== undefined)]),
    (limits: unknown[][]) =>
      limits.length > 0 &&
      limits.every(([metric, ...given]) => metric !== '' && given.length > 0 && given.every(Number.isFinite)) &&
      new Set(limits.map(([metric]) => metric)).size === limits.length,
    'at least one metric, each once, with least, most or both',
    'state how good is good enough: { metric: "auc", least: 0.9 }',
  );
}

function delayRule<P extends { readonly labelDelay?: Duration }>(): Rule<P> {
  return row(
    'labelDelay',
    ({ labelDelay }) => labelDelay?.toHours({ integral: false }),
    (hours: number) => Number.isInteger(hours) && hours >= 0 && hours <= LONGEST_DELAY_HOURS,
    'whole hours, up to 90 days',
    'use Duration.days(…)',
  );
}

function predictionRule<P extends { readonly prediction?: PredictionAttributes }>(required: boolean): Rule<P>[] {
  return [
    row(
      'prediction',
      ({ prediction }) =>
        required ? [prediction?.inference, prediction?.probability].filter((given) => given !== undefined).length : undefined,
      (given: number) => given > 0,
      'inference, probability or both',
      'say where the prediction stands: "0" is the first column of a CSV answer',
    ),
    row(
      'prediction.probabilityThreshold',
      ({ prediction }) => prediction?.probabilityThreshold,
      (threshold: number) => threshold >= 0 && threshold <= 1,
      'a number from 0 to 1',
      'leave it out for 0.5',
    ),
  ];
}

/** Rules for the data that comes in. */
export const DATA_QUALITY_RULES: readonly Rule<DataQualityOptions>[] = [
  {
    ...row<DataQualityOptions>(
      'watched',
      ({ watched }) => watched,
      () => true,
      'fields of the input',
      'name fields that the model takes',
      'Millrace.ModelMonitorFeatureUnknown',
    ),
    valid: (names: string[], { input }) => names.length > 0 && names.every((name) => input.fields.some((field) => field.name === name)),
    allowed: ({ input }) => `fields of the input: ${input.fields.map(({ name }) => name).join(', ')}`,
  },
  row(
    'driftThreshold',
    ({ driftThreshold }) => driftThreshold,
    (threshold: number) => threshold > 0 && threshold <= 1,
    'a number above 0, at most 1',
    'leave it out for 0.1',
  ),
];

/** Rules for the predictions. */
export const MODEL_QUALITY_RULES: readonly Rule<ModelQualityOptions>[] = [
  limitRule<ModelQualityOptions>(),
  delayRule<ModelQualityOptions>(),
  ...predictionRule<ModelQualityOptions>(true),
];

/** Rules for groups. One metric may stand once a group. */
export const BIAS_RULES: readonly Rule<BiasOptions>[] = [
  row(
    'limits',
    ({ limits }) =>
      limits.map(({ metric, label, labelValue, facet, facetValue, least, most }) => [
        [metric, label, labelValue, facet, facetValue].join('\n'),
        ...[least, most].filter((limit) => limit !== undefined),
      ]),
    (limits: unknown[][]) =>
      limits.length > 0 &&
      limits.every(([, ...given]) => given.length > 0 && given.every(Number.isFinite)) &&
      new Set(limits.map(([group]) => group)).size === limits.length,
    'at least one metric, once a group, with least, most or both',
    'state how far groups may be apart: { metric: "DPPL", most: 0.1, … }',
  ),
  delayRule<BiasOptions>(),
  ...predictionRule<BiasOptions>(true),
];

/** Rules for what predictions follow from. */
export const EXPLAINABILITY_RULES: readonly Rule<ExplainabilityOptions>[] = [
  limitRule<ExplainabilityOptions>(),
  ...predictionRule<ExplainabilityOptions>(false),
  row(
    'endpointPrefix',
    ({ endpointPrefix }) => endpointPrefix,
    (prefix: string) => /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,39}$/.test(prefix),
    '1-40 letters, digits or -',
    'use endpoint_name_prefix of the predictor in the analysis configuration',
  ),
];
