import { ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { PUSH_FRESHNESS_SECONDS } from '../../features/feature-metric-names';
import type { FeatureSchema } from '../../features/feature-schema';
import type { IModelMonitor } from '../model-monitor';
import { type PrometheusRule, driftRules, matchers } from './drift-rules';
import { MONITOR_RULES } from './monitor-rules';
import type { DriftSignal, RequestSignal } from './monitor-signals';

/** Properties of a monitor on Kubernetes. */
export interface ModelMonitorProps {
  /** Endpoint that is watched. */
  readonly endpointName: string;
  /** Labels that tell its time series apart: `{ namespace: 'fraud', service: 'radar' }`. */
  readonly selector: { [label: string]: string };
  /** Distributions that must stay as they were in the training; at least one. */
  readonly drift: DriftSignal[];
  /**
   * Requests and errors.
   * @default - not watched
   */
  readonly requests?: RequestSignal;
  /**
   * Feature groups with a promise of freshness. Feast measures the time since the last materialization, not the age of single values.
   * @default - none
   */
  readonly features?: FeatureSchema[];
  /**
   * Labels of the rules, by which Prometheus selects them.
   * @default - none
   */
  readonly labels?: { [key: string]: string };
}

/**
 * Alerts on the data and the predictions of an endpoint on Kubernetes, from what its server exposes to Prometheus: drift of distributions, failed
 * requests, old features, and silence. It needs the Prometheus operator.
 *
 * Bias between groups, what predictions follow from, and the comparison with labels need the single predictions, which a server does
 * not expose as metrics: they are not watched here.
 *
 * @throws Millrace.ModelMonitorInvalid, Millrace.ModelMonitorFreshnessUnknown, Millrace.TokenRefused
 */
export class ModelMonitor extends Construct implements IModelMonitor {
  /** The endpoint that is watched. */
  public readonly endpointName: string;

  constructor(scope: Construct, id: string, props: ModelMonitorProps) {
    super(scope, id);
    enforce(this.node.path, props, MONITOR_RULES);
    const { endpointName, selector, drift, requests, features = [] } = props;
    this.endpointName = endpointName;
    const identity = { monitor: endpointName, namespace: Chart.of(this).namespace };
    const groups = [
      { name: `${endpointName}-drift`, rules: drift.flatMap((signal) => driftRules(signal, selector, identity)) },
      {
        name: `${endpointName}-serving`,
        rules: [
          ...drift.map((signal) => silenceRule(signal, selector, endpointName)),
          ...(requests ? [errorRule(requests, selector, endpointName)] : []),
          ...features.map((schema) => freshnessRule(schema, endpointName)),
        ],
      },
    ];
    new ApiObject(this, 'Resource', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'millrace', ...props.labels } },
      spec: { groups },
    });
    requireAllocation(this);
  }
}

function silenceRule({ name, histogram }: DriftSignal, selector: { [label: string]: string }, monitor: string): PrometheusRule {
  return {
    alert: 'ModelMonitorSilent',
    expr: `absent(${histogram}_count${matchers(selector)})`,
    for: '15m',
    labels: { monitor, signal: name },
    annotations: { summary: `${monitor}: nothing exposes ${histogram}, so nobody watches the drift of ${name}` },
  };
}

function errorRule(
  { total, errors, errorLabels, errorPercent = 1 }: RequestSignal,
  selector: { [label: string]: string },
  monitor: string,
): PrometheusRule {
  const failed = `sum(rate(${errors}${matchers(selector, errorLabels)}[5m]))`;
  return {
    alert: 'ModelRequestsFail',
    expr: `100 * ${failed} / sum(rate(${total}${matchers(selector)}[5m])) > ${errorPercent}`,
    for: '5m',
    labels: { monitor },
    annotations: { summary: `${monitor}: {{ printf "%.1f" $value }} % of the requests fail, above ${errorPercent} %` },
  };
}

function freshnessRule({ name, freshness }: FeatureSchema, monitor: string): PrometheusRule {
  const seconds = freshness!.toSeconds();
  const pushed = `histogram_quantile(0.99, sum by (le) (rate(${PUSH_FRESHNESS_SECONDS}_bucket${matchers({ view: name })}[5m])))`;
  return {
    alert: 'ModelFeaturesOld',
    // The age of what is pushed; and the time since the last materialization, which Feast tells of what is filled by the clock.
    expr: `${pushed} > ${seconds} or max(feast_feature_freshness_seconds${matchers({ feature_view: name })}) > ${seconds}`,
    for: '5m',
    labels: { monitor, feature_view: name },
    annotations: {
      summary: `${monitor}: the newest values of ${name} are {{ printf "%.0f" $value }} s old, older than the ${seconds} s that were promised`,
    },
  };
}
