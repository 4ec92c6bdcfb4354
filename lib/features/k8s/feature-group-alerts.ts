import type { Duration } from 'aws-cdk-lib';
import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { type Rule, enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { PORT_NAME } from '../../workloads/k8s/port-name';
import type { FeatureGroup } from './feature-group';
import type { FeaturePush } from './feature-push';

/** When the alerts of a feature group go off. */
export interface FeatureGroupAlertOptions {
  /**
   * Whether an alert goes off when nothing is written. Turn it off for a source that is silent for longer than `silence` by nature.
   * @default true
   */
  readonly alarmOnSilence?: boolean;
  /**
   * How long nothing may be written, 5 minutes to 24 hours, in steps of 5 minutes: freshness is measured on what is written, so it says
   * nothing of a source that has stopped.
   * @default - the freshness of the schema in steps of 5 minutes, from 15 minutes to 24 hours; an hour without a freshness
   */
  readonly silence?: Duration;
  /**
   * How many records may be rejected within 5 minutes.
   * @default 0
   */
  readonly rejectedRecords?: number;
  /**
   * Whether an alert goes off when the online servers of the store fail more than 1 % of their requests.
   * @default true
   */
  readonly alarmOnServerErrors?: boolean;
}

/** Properties of the alerts of a feature group. */
export interface FeatureGroupAlertsProps extends FeatureGroupAlertOptions {
  /** The group. */
  readonly featureGroup: FeatureGroup;
  /** What writes it: Prometheus gets to read its pods. Open the way with `FeaturePush.allowMetricsFromNamespace`. */
  readonly push: FeaturePush;
  /**
   * Labels by which your Prometheus selects monitors and rules, such as `{ release: 'kube-prometheus-stack' }`.
   * @default - none
   */
  readonly labels?: { [key: string]: string };
}

const STEP_MINUTES = 5;
const DAY_MINUTES = 24 * 60;
const FLOOR_MINUTES = 15;
const DEFAULT_MINUTES = 60;
const LATE_PERCENT = 1;
const ERROR_PERCENT = 1;

const RULES: readonly Rule<FeatureGroupAlertsProps>[] = [
  {
    code: 'Millrace.FeatureAlarmInvalid',
    subject: 'silence',
    value: ({ silence }) => silence,
    valid: (silence: Duration) => {
      const minutes = silence.toMinutes({ integral: false });
      return minutes % STEP_MINUTES === 0 && minutes >= STEP_MINUTES && minutes <= DAY_MINUTES;
    },
    allowed: '5 minutes to 24 hours in steps of 5 minutes',
    fix: 'turn alarmOnSilence off for a source that is silent for longer',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureAlarmInvalid',
    subject: 'silence',
    value: ({ silence, alarmOnSilence }) => (alarmOnSilence === false && silence ? 'silence beside alarmOnSilence: false' : undefined),
    valid: () => false,
    allowed: 'one of the two',
    fix: 'drop silence',
  },
  {
    code: 'Millrace.FeatureAlarmInvalid',
    subject: 'rejectedRecords',
    value: ({ rejectedRecords }) => rejectedRecords,
    valid: (count: number) => Number.isSafeInteger(count) && count >= 0,
    allowed: 'a whole number from 0',
    fix: 'leave it out for 0',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureAlarmInvalid',
    subject: 'push',
    value: ({ push }) => push.featureGroup.node.path,
    valid: (_path: string, { featureGroup, push }) => push.featureGroup === featureGroup,
    allowed: ({ featureGroup }) => `a push to ${featureGroup.node.path}`,
    fix: 'give the push of this group',
  },
];

/**
 * Alerts on the freshness and the errors of a feature group that a push feeds: a PodMonitor for its workers and a PrometheusRule. Both need
 * the Prometheus operator; whom an alert tells is the Alertmanager's to know.
 *
 * @throws Millrace.FeatureAlarmInvalid, Millrace.TokenRefused
 */
export class FeatureGroupAlerts extends Construct {
  /** Names of the alerts there are. */
  public readonly alertNames: string[];

  constructor(scope: Construct, id: string, props: FeatureGroupAlertsProps) {
    super(scope, id);
    enforce<FeatureGroupAlertsProps>(this.node.path, props, RULES);
    const { push } = props;
    const labels = { 'app.kubernetes.io/managed-by': 'millrace', ...props.labels };
    new ApiObject(this, 'PodMonitor', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { labels, namespace: push.worker.namespace },
      spec: {
        selector: { matchLabels: { ...push.worker.podSelector } },
        podMetricsEndpoints: [{ port: PORT_NAME, path: '/metrics', interval: '15s' }],
      },
    });
    const rules = rulesOf(props);
    this.alertNames = rules.map(({ alert }) => alert);
    new ApiObject(this, 'PrometheusRule', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { labels },
      spec: { groups: [{ name: `${props.featureGroup.featureGroupName}.feature-group`, rules }] },
    });
    requireAllocation(this);
  }
}

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
}

function rulesOf(props: FeatureGroupAlertsProps): AlertRule[] {
  const { featureGroup, push, alarmOnSilence = true, alarmOnServerErrors = true, rejectedRecords = 0 } = props;
  const { schema, featureGroupName: name, store, projectName } = featureGroup;
  const { metrics } = push;
  const minutes = props.silence?.toMinutes() ?? defaultSilence(schema.freshness);
  const alert = (alertName: string, expr: string, held: string, severity: string, summary: string) => ({
    alert: alertName,
    expr,
    for: held,
    labels: { severity, feature_group: name, project: projectName, owner: schema.owner },
    annotations: { summary },
  });
  return [
    ...(schema.freshness
      ? [
          alert(
            'FeaturesLate',
            `${metrics.latePercent().expression} > ${LATE_PERCENT}`,
            '3m',
            'critical',
            `more than ${LATE_PERCENT} % of the records of ${name} are older than ${schema.freshness.toSeconds({ integral: false })} s when they can be read`,
          ),
        ]
      : []),
    ...(alarmOnSilence
      ? // Nobody who writes is as silent as a source that has stopped, so that there is no alert on what is not seen.
        [
          alert(
            'FeaturesSilent',
            `${metrics._writtenWithin(minutes)} < 1`,
            '5m',
            'critical',
            `nothing was written to ${name} for ${minutes} minutes, or Prometheus reads nobody who does`,
          ),
        ]
      : []),
    alert(
      'FeaturesRejected',
      `${metrics._rejectedWithin(STEP_MINUTES)} > ${rejectedRecords}`,
      '0s',
      'warning',
      `records of ${name} cannot be mapped: they are in the dead-letter topic`,
    ),
    alert(
      'FeaturePushesFail',
      `${metrics.pushFailures().expression} > 0`,
      '5m',
      'critical',
      `pushes to ${name} have failed for five minutes and are made again`,
    ),
    ...(alarmOnServerErrors
      ? [
          alert(
            'FeatureServerErrors',
            `${store.metrics.errorPercent().expression} > ${ERROR_PERCENT}`,
            '3m',
            'critical',
            `the servers of feature store ${store.resourceName}, which has ${name}, fail more than ${ERROR_PERCENT} % of their requests`,
          ),
        ]
      : []),
  ];
}

function defaultSilence(freshness: Duration | undefined): number {
  if (!freshness) return DEFAULT_MINUTES;
  const steps = Math.ceil(freshness.toMinutes({ integral: false }) / STEP_MINUTES) * STEP_MINUTES;
  return Math.min(Math.max(steps, FLOOR_MINUTES), DAY_MINUTES);
}
