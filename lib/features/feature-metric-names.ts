/** Where the ingestion of features reports to; SageMaker Feature Store itself has no metric of freshness. */
export const FEATURE_METRIC_NAMESPACE = 'Millrace/Features';

/** What the ingestion of features reports, each with the dimension `FeatureGroupName`. */
export const FEATURE_METRICS = {
  /** Milliseconds from the event time of a record to its write. */
  freshness: 'FeatureFreshness',
  /** Records that were written. */
  written: 'RecordsWritten',
  /** Records that no feature group could take. */
  rejected: 'RecordsRejected',
} as const;

/** The one dimension of those metrics. */
export const FEATURE_GROUP_DIMENSION = 'FeatureGroupName';

/** Histogram of the seconds from the event time of a record to the moment at which it can be read, as the push of Feast exposes it. */
export const PUSH_FRESHNESS_SECONDS = 'millrace_feature_freshness_seconds';
