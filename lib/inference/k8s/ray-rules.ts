import { MillraceError } from '../../core/error';
import { type Rule, violationsOf } from '../../core/rule';
import { ModelSourceKind } from '../../models/model-source';
import { schedulingRules } from '../../workloads/k8s/scheduling-fields';
import type { ResolvedMonitoring } from '../endpoint-monitoring-rules';
import { EndpointScalingKind } from '../endpoint-scaling';
import { RolloutKind } from '../rollout';
import { isRange } from './endpoint-rules';
import { scalingViolations } from './endpoint-scaling-plan';
import { type RayServiceProps, hasAutoscaler, movesInSteps } from './ray-service';

const CODE = 'Millrace.RayEndpointInvalid';

type RayInput = RayServiceProps & { readonly monitoring: ResolvedMonitoring };

const RULES: readonly Rule<RayInput>[] = [
  {
    code: CODE,
    subject: 'endpointName',
    value: ({ name }) => name,
    valid: (name: string) => /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name),
    allowed: 'at most 40 lower-case letters, digits and -, a letter first: KubeRay names clusters and pods after it',
    fix: 'give a shorter endpointName',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ModelSourceUnsupported',
    subject: 'model',
    value: ({ props }) => [props.model.kind, props.model._modelUri ?? 'in the image'],
    valid: ([kind, place]: string[]) => kind === ModelSourceKind.CONTAINER && place === 'in the image',
    allowed: 'a container that carries the application and knows where its model lies: Ray downloads nothing for it',
    fix: 'ModelSource.container without modelUri; tell the application the place in its environment, and open it with cluster.downloadCidr',
  },
  {
    code: CODE,
    subject: 'app.importPath',
    value: ({ props }) => props.app.importPath,
    valid: (place: string) => /^[A-Za-z_][\w.]*[:.][A-Za-z_]\w*$/.test(place),
    allowed: 'module:application',
    fix: 'name it as serve run does, for example radar.app:app',
  },
  {
    code: CODE,
    subject: 'app.deployment',
    value: ({ props }) => props.app.deployment,
    valid: (name: string) => /^[A-Za-z_][\w-]*$/.test(name),
    allowed: 'the name of a deployment',
    fix: 'name the class with @serve.deployment that holds the model, or its name=',
  },
  {
    code: CODE,
    subject: 'cluster.rayVersion',
    value: ({ props }) => props.cluster.rayVersion,
    valid: (version: string) => /^\d+\.\d+\.\d+$/.test(version),
    allowed: 'the version of Ray in the image, for example 2.52.0',
    fix: 'run ray --version in the image',
  },
  {
    code: CODE,
    subject: 'pods.size',
    value: ({ props }) => props.pods.size.cpuMillis,
    valid: (millis: number) => millis >= 1000,
    allowed: 'at least one core: Ray counts whole ones',
    fix: 'use a larger pod, or k8s.ModelEndpoint',
  },
  {
    code: CODE,
    subject: 'scaling',
    value: ({ props }) => props.scaling?.kind,
    valid: (kind: EndpointScalingKind) => kind !== EndpointScalingKind.INVOCATIONS,
    allowed: 'by the requests in flight, or fixed: Ray Serve sees no rate',
    fix: 'use EndpointScaling.concurrency()',
  },
  {
    code: CODE,
    subject: 'cluster.apiServerCidr',
    value: (input) => (hasAutoscaler(input) ? (input.props.cluster.apiServerCidr ?? null) : input.props.cluster.apiServerCidr),
    valid: (cidr: string | null) => cidr !== null && isRange(cidr),
    allowed: "an IPv4 range, because Ray's autoscaler asks the API server for workers",
    fix: 'name the subnets of the control plane: kubectl get endpoints kubernetes',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'cluster.downloadCidr',
    value: ({ props }) => props.cluster.downloadCidr,
    valid: isRange,
    allowed: 'an IPv4 range',
    fix: 'name the subnets of the S3 interface endpoint, or 0.0.0.0/0 where S3 is reached at its public addresses',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'cluster.faultTolerance',
    value: ({ props }) => props.cluster.faultTolerance,
    valid: ({ redisAddress, redisCidr }: { redisAddress: string; redisCidr: string }) =>
      redisPort(redisAddress) !== undefined && isRange(redisCidr),
    allowed: 'an address with a port, and the IPv4 range in which it stands',
    fix: 'for example redis.fraud:6379 and 10.20.30.0/24',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'cluster.gatewayClassName',
    value: ({ props, rollout }) => (movesInSteps(rollout) ? (props.cluster.gatewayClassName ?? null) : undefined),
    valid: (name: string | null) => name !== null && name !== '',
    allowed: 'the class of the gateway that moves the traffic',
    fix: 'use a name that kubectl get gatewayclasses lists, or Rollout.allAtOnce() with twice the pods',
  },
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: ({ rollout }) => rollout.kind,
    valid: (kind: RolloutKind) => kind !== RolloutKind.ROLLING,
    allowed: 'steps through a gateway, or a new cluster at once: KubeRay replaces no worker of a cluster that runs',
    fix: 'use Rollout.linear with cluster.gatewayClassName, or Rollout.allAtOnce()',
  },
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
    code: 'Millrace.DataCaptureUnsupported',
    subject: 'monitoring.dataCapture',
    value: ({ monitoring }) => monitoring.capturePercent,
    valid: () => false,
    allowed: 'nothing: Ray Serve keeps no requests',
    fix: 'let the application send what it wants to keep to a topic',
  },
  ...schedulingRules(CODE).map((rule): Rule<RayInput> => ({
    ...rule,
    subject: `pods.${rule.subject}`,
    value: ({ props }) => rule.value(props.pods),
    valid: (value, { props }) => rule.valid(value, props.pods),
    allowed: rule.allowed as string,
    fix: rule.fix as string,
  })),
];

/** Refuses what cannot be made, all at once. */
export function checkRayEndpoint(path: string, input: RayInput): void {
  const found = [...violationsOf(input, RULES), ...scalingViolations(input.plan, input.sizing)];
  if (found.length > 0) throw new MillraceError(path, found);
}

/** Port of an address of Redis. */
export function redisPort(address: string): number | undefined {
  const match = /^(?:rediss?:\/\/)?[\w.-]+:(\d{1,5})$/.exec(address);
  return match ? Number(match[1]) : undefined;
}
