import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { BrokerClass } from './broker-type';
import { MSK_NAMESPACE, isControllerMetric, neverReported } from './msk-metrics';

/** One metric that an alarm watches. */
interface Watched {
  readonly metricName: string;
  readonly statistic: string | undefined;
  readonly clusterName: unknown;
}

/** The MSK metrics of an alarm: its own, or those of its expression. */
function watchedBy({ properties }: SynthesizedResource): Watched[] {
  const listed = Array.isArray(properties.Metrics) ? properties.Metrics.map((entry: any) => entry?.MetricStat) : [];
  return [{ Metric: properties, Stat: properties.Statistic }, ...listed]
    .filter((stat) => stat?.Metric?.Namespace === MSK_NAMESPACE && typeof stat.Metric.MetricName === 'string')
    .map(({ Metric, Stat }) => ({
      metricName: Metric.MetricName,
      statistic: Stat,
      clusterName: [Metric.Dimensions ?? []].flat().find((dimension: any) => dimension?.Name === 'Cluster Name')?.Value,
    }));
}

/** Brokers of every cluster of a name in the assembly; names are literal in what this library emits. */
function brokerClasses(assembly: Assembly): Map<unknown, BrokerClass> {
  const clusters = assembly.stacks.flatMap(({ resources }) => resources.filter(({ type }) => type === 'AWS::MSK::Cluster'));
  return new Map(
    clusters
      .filter(({ properties }) => typeof properties.ClusterName === 'string')
      .map(({ properties }) => {
        const type = properties.BrokerNodeGroupInfo?.InstanceType;
        return [properties.ClusterName, typeof type === 'string' && type.startsWith('express.') ? BrokerClass.EXPRESS : BrokerClass.STANDARD];
      }),
  );
}

/** An alarm in both assemblies that has not changed: it was accepted once, and is named as a warning from then on. */
function isKnown(alarm: SynthesizedResource, stack: SynthesizedStack, before: Assembly): boolean {
  const former = before.stacks.find(({ id }) => id === stack.id)?.resources.find(({ logicalId }) => logicalId === alarm.logicalId);
  return former !== undefined && sameJson(former.properties, alarm.properties);
}

/** A rule over every alarm on MSK metrics in the new synthesis, whoever made it. */
class AlarmRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly complaint: (watched: Watched, brokerClass: BrokerClass | undefined) => { message: string; fix: string } | undefined,
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    const classes = brokerClasses(after);
    return after.stacks.flatMap((stack) =>
      stack.resources
        .filter(({ type }) => type === 'AWS::CloudWatch::Alarm')
        .flatMap((alarm) =>
          watchedBy(alarm).flatMap((watched) => {
            const complaint = this.complaint(watched, classes.get(watched.clusterName));
            if (!complaint) return [];
            const severity = isKnown(alarm, stack, before) ? FindingSeverity.WARNING : FindingSeverity.ERROR;
            return [{ code: this.id, severity, path: alarm.path, templateFile: stack.templateFile, logicalId: alarm.logicalId, ...complaint }];
          }),
        ),
    );
  }
}

/** Rules for alarms that never ring, or ring on a fraction of the truth. */
export function mskAlarmRules(): IUpdateRule[] {
  return [
    new AlarmRule('Millrace.KafkaAlarmDead', ({ metricName }, brokerClass) => {
      const why = neverReported(metricName, brokerClass);
      return why === undefined
        ? undefined
        : {
            message: `an alarm watches ${metricName}: ${why}, so it stays silent for ever`,
            fix: 'watch what the cluster reports: cluster.metrics has it',
          };
    }),
    new AlarmRule('Millrace.KafkaAlarmAverage', ({ metricName, statistic }) =>
      isControllerMetric(metricName) && statistic === 'Average'
        ? {
            message: `an alarm averages ${metricName} over the brokers, of which the active controller alone counts: it reads a fraction`,
            fix: 'use the statistic Maximum or Sum',
          }
        : undefined,
    ),
  ];
}
