import { FEATURE_GROUP_DIMENSION, FEATURE_METRICS, FEATURE_METRIC_NAMESPACE } from '../../feature-metric-names';

const { freshness: FRESHNESS, rejected: REJECTED, written: WRITTEN } = FEATURE_METRICS;

/** What happened to a batch. */
export interface BatchOutcome {
  readonly featureGroupName: string;
  /** Age of each record when it was written, milliseconds. */
  readonly freshness: readonly number[];
  readonly rejected: number;
}

/** Values that one metric of a line may have (Amazon CloudWatch User Guide, "Embedded metric format"). */
const MAX_VALUES = 100;

/** The metrics of a batch in CloudWatch's embedded metric format, one line for each hundred records. */
export function metricLines({ featureGroupName, freshness, rejected }: BatchOutcome, now: number): string[] {
  const chunks = Array.from({ length: Math.max(1, Math.ceil(freshness.length / MAX_VALUES)) }, (_, index) =>
    freshness.slice(index * MAX_VALUES, (index + 1) * MAX_VALUES),
  );
  return chunks.map((ages, index) => {
    const counts = { [WRITTEN]: ages.length, [REJECTED]: index === 0 ? rejected : 0 };
    const metrics = [
      { Name: WRITTEN, Unit: 'Count' },
      { Name: REJECTED, Unit: 'Count' },
      ...(ages.length > 0 ? [{ Name: FRESHNESS, Unit: 'Milliseconds' }] : []),
    ];
    return JSON.stringify({
      _aws: {
        Timestamp: now,
        CloudWatchMetrics: [{ Namespace: FEATURE_METRIC_NAMESPACE, Dimensions: [[FEATURE_GROUP_DIMENSION]], Metrics: metrics }],
      },
      [FEATURE_GROUP_DIMENSION]: featureGroupName,
      ...counts,
      ...(ages.length > 0 ? { [FRESHNESS]: ages } : {}),
    });
  });
}
