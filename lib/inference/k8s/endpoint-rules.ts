import { MillraceError, type Violation } from '../../core/error';
import { type Rule, violationsOf } from '../../core/rule';
import { type ModelSource, ModelSourceKind } from '../../models/model-source';
import { isWholeSeconds } from '../../workloads/k8s/workload-rules';
import { schedulingRules } from '../../workloads/k8s/scheduling-fields';
import type { ResolvedMonitoring } from '../endpoint-monitoring-rules';
import type { EndpointSizing } from '../endpoint-sizing';
import { type Rollout, RolloutKind } from '../rollout';
import type { EndpointScalingPlan } from './endpoint-scaling-plan';
import { scalingViolations } from './endpoint-scaling-plan';
import { predictorName } from './kserve-names';
import type { ModelEndpointProps } from './model-endpoint';

const CODE = 'Millrace.ModelEndpointInvalid';
const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const PREFIX = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
// Label `app` of the pods: `isvc.<endpoint>-<candidate>-predictor`, at most 63 characters.
const LABEL_ROOM = 63 - 'isvc.-predictor'.length;
// Largest finite bound of the histograms of prometheus_client, in which KServe's servers count.
const LARGEST_BUCKET_SECONDS = 10;

/** A model endpoint with what follows from its properties. */
export interface EndpointInput {
  readonly props: ModelEndpointProps;
  readonly name: string;
  readonly namespace?: string;
  readonly sizing: EndpointSizing;
  readonly plan: EndpointScalingPlan;
  readonly monitoring: ResolvedMonitoring;
  readonly rollout: Rollout;
}

const downloads = (uri: string | undefined) => uri !== undefined && !uri.startsWith('pvc://');
const sources = ({ props }: EndpointInput) => [props.model, ...(props.candidate ? [props.candidate.model] : [])];

const RULES: readonly Rule<EndpointInput>[] = [
  {
    code: CODE,
    subject: 'endpointName',
    value: ({ name }) => name,
    valid: (name: string, { props: { candidate, serving }, namespace = '' }) => {
      const longest = Math.max(...[candidate?.name, serving?.promotedCandidate].map((part) => (part ? part.length + 1 : 0)));
      // The first label of the host that KServe routes is the name of the predictor with the namespace.
      const host = `${predictorName(name, serving?.promotedCandidate)}-${namespace}`;
      const isShort = name.length + longest <= LABEL_ROOM && host.length <= 63;
      return PREFIX.test(name) && isShort;
    },
    allowed: 'lower-case letters, digits and -, a letter first; with the candidate at most 48 characters, with the namespace at most 52',
    fix: 'give a shorter endpointName',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ModelSourceUnsupported',
    subject: 'model',
    value: (input) => sources(input).map(({ kind }) => kind),
    valid: (kinds: string[]) => !kinds.includes(ModelSourceKind.MODEL_PACKAGE),
    allowed: 'a container or a format: KServe cannot read the registry of SageMaker',
    fix: 'ModelSource.container with the image of the version, or ModelSource.format with the place of its files',
  },
  {
    code: CODE,
    subject: 'model.environment',
    value: (input) => sources(input).flatMap(({ _environment }) => Object.keys(_environment)),
    valid: (names: string[]) => !names.includes('PYTHONPATH') && !names.includes('STORAGE_URI'),
    allowed: 'no PYTHONPATH, which KServe refuses, and no STORAGE_URI, which is how KServe is told the place of the model',
    fix: 'set the path in the image, and the place as modelUri',
  },
  {
    code: CODE,
    subject: 'serving.port',
    value: ({ props }) => props.serving?.port,
    valid: (port: number) => Number.isInteger(port) && port >= 1024 && port <= 65535 && port !== 9081,
    allowed: '1024-65535 without 9081, on which KServe puts its agent',
    fix: 'leave it out for 8080',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'serving.drain',
    value: ({ props }) => props.serving?.drain,
    valid: (drain: NonNullable<NonNullable<ModelEndpointProps['serving']>['drain']>) => isWholeSeconds(drain, 1, 7200),
    allowed: 'whole seconds from 1 to 7200',
    fix: 'leave it out for 45',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'serving.downloadCidr',
    value: (input) =>
      sources(input).some(({ _modelUri }) => downloads(_modelUri)) ? (input.props.serving?.downloadCidr ?? null) : undefined,
    valid: (cidr: string | null) => cidr !== null && isRange(cidr),
    allowed: 'an IPv4 range, because the files of the model are downloaded',
    fix: 'name the subnets of the S3 interface endpoint, or 0.0.0.0/0 where S3 is reached at its public addresses',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'prometheus.names',
    value: ({ props, monitoring }) =>
      props.prometheus?.names || !monitoring.alarms ? undefined : props.demand.p99.toSeconds({ integral: false }),
    valid: (seconds: number) => seconds < LARGEST_BUCKET_SECONDS,
    allowed: `a p99 below ${LARGEST_BUCKET_SECONDS} s, the largest bound of the histogram of KServe's servers: an alarm above it would never fire`,
    fix: 'name a histogram of your server with larger bounds in prometheus.names',
  },
  {
    code: CODE,
    subject: 'prometheus.names',
    value: ({ props }) => props.prometheus?.names && Object.values(props.prometheus.names),
    valid: (names: string[]) => names.every((name) => METRIC.test(name)),
    allowed: 'names of metrics: letters, digits, _ and :, no digit first, without labels',
    fix: 'copy them from /metrics of the server',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointScalingUnseen',
    subject: 'prometheus.serverAddress',
    value: ({ props, plan }) =>
      props.prometheus?.serverAddress ? undefined : { by: plan.by, gpu: props.pods.scheduling?.gpu !== undefined },
    valid: ({ by, gpu }: { by: string; gpu: boolean }) => by === 'nothing' || (by === 'cpu' && !gpu),
    allowed: 'the address of Prometheus for a target or a rate of requests, and for a model on GPUs, whose CPU says nothing',
    fix: 'name it, for example http://prometheus.monitoring.svc:9090, or use EndpointScaling.fixed()',
  },
  {
    code: CODE,
    subject: 'prometheus.serverAddress',
    value: ({ props }) => props.prometheus?.serverAddress,
    valid: (address: string) => /^https?:\/\/[^\s/]+/.test(address),
    allowed: 'an http or https URL',
    fix: 'name the service of Prometheus, for example http://prometheus.monitoring.svc:9090',
  },
  {
    code: 'Millrace.DataCaptureUnsupported',
    subject: 'monitoring.dataCapture',
    value: ({ monitoring: { capturePercent, captureDestination } }) =>
      capturePercent === undefined ? undefined : [capturePercent, captureDestination ?? ''],
    valid: ([percent, destination]: [number, string]) => percent === 100 && collectorOf(destination) !== undefined,
    allowed: 'percent 100 and the URL of a collector, http://<service>.<namespace>[:port]: the logger of KServe takes no samples',
    fix: 'set both, and let the collector keep the share that you want; its pods listen on the port of the URL, which the network policy opens',
  },
  ...schedulingRules(CODE).map((rule): Rule<EndpointInput> => ({
    ...rule,
    subject: `pods.${rule.subject}`,
    value: ({ props }) => rule.value(props.pods),
    valid: (value, { props }) => rule.valid(value, props.pods),
    allowed: rule.allowed as string,
    fix: rule.fix as string,
  })),
  {
    code: 'Millrace.EndpointRolloutUnguarded',
    subject: 'rollout',
    value: ({ monitoring, rollout }) => (monitoring.alarms || rollout.unguarded ? undefined : rollout.kind),
    valid: () => false,
    allowed: 'a rollout that alarms watch',
    fix: 'leave monitoring.alarms on, or say unguarded: true',
  },
  {
    code: 'Millrace.EndpointRolloutUnguarded',
    subject: 'rollout.bake',
    value: ({ monitoring, rollout }) => (monitoring.alarms && !rollout.unguarded ? rollout.bakeSeconds : undefined),
    valid: (bake: number, { monitoring }) => bake >= 60 * monitoring.windowMinutes,
    allowed: ({ monitoring }) => `at least the window of the alarms, ${monitoring.windowMinutes} min: no alarm fires before`,
    fix: 'bake longer, or shorten monitoring.window',
  },
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: ({ rollout: { kind } }) => kind,
    valid: (kind: RolloutKind, { props }) => ![RolloutKind.CANARY, RolloutKind.LINEAR].includes(kind) || props.candidate !== undefined,
    allowed: 'a rolling update, or a candidate beside the model',
    fix: 'KServe keeps no former model: give the new one as candidate, raise its share, then make it the model',
  },
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: ({ rollout: { kind } }) => kind,
    valid: (kind: RolloutKind, { props }) => kind !== RolloutKind.ALL_AT_ONCE || props.serving?.spareCapacity !== false,
    allowed: 'all at once where there is capacity for twice the replicas: else every replica would stop first',
    fix: 'use Rollout.rolling, or leave spareCapacity on',
  },
  {
    code: 'Millrace.EndpointCandidateInvalid',
    subject: 'serving.promotedCandidate',
    value: ({ props }) => props.serving?.promotedCandidate,
    valid: (name: string, { props }) => PREFIX.test(name) && name.length <= 20 && props.model.kind === ModelSourceKind.FORMAT,
    allowed: 'the name of a former candidate, whose model is a format',
    fix: 'name the candidate that became the model, or leave it out',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointCandidateInvalid',
    subject: 'candidate.name',
    value: ({ props }) => props.candidate?.name,
    valid: (name: string, { props }) => PREFIX.test(name) && name !== props.serving?.promotedCandidate && name.length <= 20,
    allowed: 'at most 20 lower-case letters, digits and -, a letter first; not the name of the model that serves',
    fix: 'name it by its version, for example v8',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointCandidateInvalid',
    subject: 'candidate.model',
    value: ({ props }) => props.candidate && [props.model.kind, props.candidate.model.kind],
    valid: (kinds: ModelSourceKind[]) => kinds.every((kind) => kind === ModelSourceKind.FORMAT),
    allowed: 'a format beside a format: KServe takes no container of your own as candidate',
    fix: 'make a ServingRuntime of the image and serve both with ModelSource.format, or make an endpoint of its own for the new version',
  },
  {
    code: 'Millrace.EndpointCandidateInvalid',
    subject: 'candidate.model',
    value: ({ props: { candidate, model } }) => candidate && leftOut(model, candidate.model),
    valid: (missing: string[]) => missing.length === 0,
    allowed: 'a runtime with another format, and an environment where the model has one: KServe fills in what is left out from the model',
    fix: 'name it for the candidate, too',
  },
  {
    code: 'Millrace.EndpointCandidateInvalid',
    subject: 'candidate.model.input',
    value: ({ props: { candidate } }) =>
      candidate && (candidate.trafficPercent ?? 0) > 0 ? candidate.model.input?._signature.join() : undefined,
    valid: (signature: string, { props }) => props.model.input === undefined || signature === props.model.input._signature.join(),
    allowed: 'the input of the model, field by field: callers do not know which of the two answers',
    fix: 'keep trafficPercent at 0 and mirror requests to it, or make an endpoint for it and move the callers',
  },
  {
    code: 'Millrace.EndpointCandidateInvalid',
    subject: 'candidate.trafficPercent',
    value: ({ props }) => props.candidate?.trafficPercent,
    valid: (percent: number, { rollout }) => {
      const step =
        rollout.kind === RolloutKind.CANARY
          ? percent === rollout.percent
          : rollout.kind !== RolloutKind.LINEAR || percent % rollout.percent === 0;
      return Number.isInteger(percent) && percent >= 0 && percent <= 100 && (percent === 0 || step);
    },
    allowed: 'a whole number of percent from 0 to 100; with Rollout.canary 0 or its share, with Rollout.linear whole steps',
    fix: 'use 0 to start it without traffic, then the share of the rollout; then make it the model',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointCandidateInvalid',
    subject: 'candidate.replicas',
    value: ({ props, sizing }) => props.candidate && candidateReplicas(props.candidate, sizing),
    valid: (replicas: number, { plan }) => Number.isSafeInteger(replicas) && replicas >= 1 && replicas <= plan.maxReplicas,
    allowed: ({ plan }) => `1 to ${plan.maxReplicas}, the most replicas of the model`,
    fix: 'leave it out for its share of the sizing',
    tokens: 'refuse',
  },
];

/** What a candidate does not say and would get from the model. */
function leftOut(model: ModelSource, candidate: ModelSource): string[] {
  if (model.kind !== ModelSourceKind.FORMAT || candidate.kind !== ModelSourceKind.FORMAT) return [];
  const isEmpty = ({ _environment }: ModelSource) => Object.keys(_environment).length === 0;
  return [
    ...(candidate._format !== model._format && !candidate._runtime ? ['no runtime'] : []),
    ...(isEmpty(candidate) && !isEmpty(model) ? ['no environment'] : []),
  ];
}

/** Refuses what cannot be made, all at once. */
export function checkEndpoint(path: string, input: EndpointInput): void {
  const found: Violation[] = [...violationsOf(input, RULES), ...scalingViolations(input.plan, input.sizing)];
  if (found.length > 0) throw new MillraceError(path, found);
}

/** The replicas of a candidate: its share of the sizing. */
export function candidateReplicas(candidate: NonNullable<ModelEndpointProps['candidate']>, sizing: EndpointSizing): number {
  return candidate.replicas ?? Math.max(1, Math.ceil((sizing.replicas * (candidate.trafficPercent ?? 0)) / 100 - 1e-6));
}

/** Namespace and port of a collector in the cluster. */
export function collectorOf(url: string): { readonly namespace: string; readonly port: number } | undefined {
  const match = /^http:\/\/[a-z0-9-]+\.([a-z0-9-]+)(?:\.svc[a-z0-9.-]*)?(?::(\d{1,5}))?(?:\/\S*)?$/.exec(url);
  return match ? { namespace: match[1], port: Number(match[2] ?? 80) } : undefined;
}

/** Whether a text is an IPv4 range. */
export function isRange(cidr: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  return match !== null && match.slice(1, 5).every((part) => Number(part) <= 255) && Number(match[5]) <= 32;
}
