import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  type MetricOptions,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { ModelMonitorMetrics } from './model-monitor-metrics';
import type { MonitorKind } from './monitor-kind';
import type { MetricLimit, MonitorAlarms } from './monitor-options';
import type { MonitorSchedule } from './monitor-schedule';

interface Watched {
  readonly name: string;
  readonly metric: (options?: MetricOptions) => IMetric;
  readonly limit: Pick<MetricLimit, 'least' | 'most'>;
}

const DRIFT_THRESHOLD = 0.1;
const SILENT_AFTER = 3;

/** The alarms of a monitor: one a limit, and one that fires when no results come any more. */
export function makeAlarms(
  scope: Construct,
  kind: MonitorKind,
  schedule: MonitorSchedule,
  metrics: ModelMonitorMetrics,
  { actions = [], silentAfter = SILENT_AFTER }: MonitorAlarms,
): Alarm[] {
  const watched = watchedBy(kind, metrics);
  const alarms = watched.flatMap((each) => [
    ...(each.limit.most === undefined ? [] : [limitAlarm(scope, each, each.limit.most, ComparisonOperator.GREATER_THAN_THRESHOLD)]),
    ...(each.limit.least === undefined ? [] : [limitAlarm(scope, each, each.limit.least, ComparisonOperator.LESS_THAN_THRESHOLD)]),
  ]);
  alarms.push(silenceAlarm(scope, watched[0].metric, schedule, silentAfter));
  for (const alarm of alarms) alarm.addAlarmAction(...(actions as IAlarmAction[]));
  return alarms;
}

function watchedBy(kind: MonitorKind, metrics: ModelMonitorMetrics): Watched[] {
  const { _dataQuality: data, _modelQuality: quality, _bias: bias, _explainability: shares } = kind;
  if (data) {
    const names = data.watched ?? data.input.fields.map(({ name }) => name);
    const limit = { most: data.driftThreshold ?? DRIFT_THRESHOLD };
    return names.map((name) => ({ name, metric: (options) => metrics.drift(name, options), limit }));
  }
  if (quality) {
    return quality.limits.map((limit) => ({ name: limit.metric, metric: (options) => metrics.quality(limit.metric, options), limit }));
  }
  if (bias) {
    return bias.limits.map((limit) => ({
      name: [limit.metric, limit.facet, limit.facetValue, limit.label, limit.labelValue].join(' ').replaceAll('/', '-'),
      metric: (options) => metrics.bias(limit, options),
      limit,
    }));
  }
  return shares!.limits.map((limit) => ({
    name: limit.metric,
    metric: (options) => metrics.attribution(limit.metric, shares!.label, options),
    limit,
  }));
}

/** A result comes once an execution: between two of them the alarm keeps its state. */
function limitAlarm(scope: Construct, { name, metric }: Watched, threshold: number, comparisonOperator: ComparisonOperator): Alarm {
  const below = comparisonOperator === ComparisonOperator.LESS_THAN_THRESHOLD;
  // eslint-disable-next-line awscdk/require-passing-this, awscdk/no-variable-construct-id -- a function has no `this`; one alarm a limit
  return new Alarm(scope, `${below ? 'Below' : 'Above'} ${name}`, {
    alarmDescription: `${scope.node.path}: ${name} is ${below ? 'below' : 'above'} ${threshold}`,
    metric: metric(below ? { statistic: Stats.MINIMUM } : undefined),
    threshold,
    comparisonOperator,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.IGNORE,
  });
}

/** A failed job publishes nothing, and neither does one that found no captured requests. */
function silenceAlarm(scope: Construct, metric: Watched['metric'], schedule: MonitorSchedule, executions: number): Alarm {
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  return new Alarm(scope, 'Silent', {
    alarmDescription: `${scope.node.path}: no result for ${executions} executions`,
    metric: metric({ statistic: Stats.SAMPLE_COUNT, period: Duration.hours(schedule.intervalHours) }),
    threshold: 1,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluationPeriods: executions,
    treatMissingData: TreatMissingData.BREACHING,
  });
}
