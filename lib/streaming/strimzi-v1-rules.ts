import type { Assembly, SynthesizedObject } from '../core/assembly';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

/** A field that an earlier API of Strimzi had and `v1` has not. */
interface GoneField {
  readonly kinds: readonly string[];
  /** Path in the manifest; `[]` stands for every element of a list. */
  readonly path: string;
  /** Which values are gone. @default - any */
  readonly gone?: (value: unknown) => boolean;
  readonly fix: string;
}

const CONNECTING = ['KafkaConnect', 'KafkaBridge', 'KafkaMirrorMaker2'];
const isOneOf =
  (...values: string[]) =>
  (value: unknown) =>
    values.includes(String(value));
const OAUTH_FIX = 'use type custom, with the SASL settings of the OAuth library in its config';
const CUSTOM_AUTHORIZER_FIX = 'use type simple with ACLs of KafkaUsers, or type custom with authorizerClass';
const POOL_FIX = 'move it to the KafkaNodePools of the cluster';
const MM2_FIX =
  'give spec.target (alias, bootstrapServers, groupId and three storage topics) and spec.mirrors[].source; each mirror names one source';

// Fields of v1beta2 that the CRDs of Strimzi 1.2.0 do not have (streaming reference, 3 and 17).
const GONE: readonly GoneField[] = [
  { kinds: ['Kafka'], path: 'spec.zookeeper', fix: 'drop it: KRaft controllers are a KafkaNodePool with role controller' },
  { kinds: ['Kafka'], path: 'spec.jmxTrans', fix: 'drop it, and use metricsConfig' },
  ...['replicas', 'storage', 'resources'].map((field) => ({ kinds: ['Kafka'], path: `spec.kafka.${field}`, fix: POOL_FIX })),
  { kinds: ['Kafka'], path: 'spec.kafka.listeners[].authentication.type', gone: isOneOf('oauth'), fix: OAUTH_FIX },
  { kinds: ['Kafka'], path: 'spec.kafka.authorization.type', gone: isOneOf('opa', 'keycloak'), fix: CUSTOM_AUTHORIZER_FIX },
  { kinds: ['Kafka'], path: 'spec.entityOperator.tlsSidecar', fix: 'drop it' },
  ...['topicOperator', 'userOperator'].map((operator) => ({
    kinds: ['Kafka'],
    path: `spec.entityOperator.${operator}.reconciliationIntervalSeconds`,
    fix: 'use reconciliationIntervalMs',
  })),
  { kinds: ['Kafka'], path: 'spec.cruiseControl.tlsSidecar', fix: 'drop it' },
  { kinds: ['KafkaUser'], path: 'spec.authorization.acls[].operation', fix: 'use the list operations' },
  { kinds: ['KafkaConnector'], path: 'spec.pause', fix: 'use state: paused' },
  { kinds: ['KafkaMirrorMaker2'], path: 'spec.clusters', fix: MM2_FIX },
  { kinds: ['KafkaMirrorMaker2'], path: 'spec.connectCluster', fix: MM2_FIX },
  { kinds: ['KafkaMirrorMaker2'], path: 'spec.mirrors[].sourceCluster', fix: MM2_FIX },
  { kinds: ['KafkaMirrorMaker2'], path: 'spec.mirrors[].targetCluster', fix: MM2_FIX },
  ...['sourceConnector', 'checkpointConnector'].map((connector) => ({
    kinds: ['KafkaMirrorMaker2'],
    path: `spec.mirrors[].${connector}.pause`,
    fix: 'use state: paused',
  })),
  ...['spec.authentication.type', 'spec.target.authentication.type', 'spec.mirrors[].source.authentication.type'].map((path) => ({
    kinds: CONNECTING,
    path,
    gone: isOneOf('oauth'),
    fix: OAUTH_FIX,
  })),
];

/** What is wrong in one manifest, whatever made it. */
interface Mistake {
  readonly path: string;
  readonly message: string;
  readonly fix: string;
}

/** Every place of a manifest at a path, with its value. */
function placesOf(value: any, path: readonly string[], place = ''): { readonly place: string; readonly value: unknown }[] {
  if (value === undefined || value === null) return [];
  if (path.length === 0) return [{ place, value }];
  const [head, ...rest] = path;
  const name = head.replace(/\[\]$/, '');
  const next = value[name];
  const here = place ? `${place}.${name}` : name;
  if (!head.endsWith('[]')) return placesOf(next, rest, here);
  return Array.isArray(next) ? next.flatMap((item, index) => placesOf(item, rest, `${here}[${index}]`)) : [];
}

function mistakesOf(manifest: any): Mistake[] {
  const [group, version] = String(manifest.apiVersion ?? '').split('/');
  if (group !== 'kafka.strimzi.io') return [];
  const outdated: Mistake[] =
    version === 'v1'
      ? []
      : [{ path: 'apiVersion', message: `is ${manifest.apiVersion}, which Strimzi 1.x does not serve`, fix: 'use kafka.strimzi.io/v1' }];
  const fields = GONE.filter(({ kinds }) => kinds.includes(manifest.kind)).flatMap(({ path, gone, fix }) =>
    placesOf(manifest, path.split('.'))
      .filter(({ value }) => !gone || gone(value))
      .map(({ place, value }) => ({
        path: place,
        message: gone ? `is ${String(value)}, which v1 does not have` : 'is no field of v1',
        fix,
      })),
  );
  const kind =
    manifest.kind === 'KafkaMirrorMaker'
      ? [{ path: 'kind', message: 'is KafkaMirrorMaker, which is gone', fix: 'use KafkaMirrorMaker2' }]
      : [];
  return [...outdated, ...kind, ...fields];
}

/**
 * Resources of Strimzi in an API that 1.x does not serve, or with fields that it silently drops: not only ours, every manifest of the app is
 * looked at. What stands in the accepted synthesis has been accepted.
 */
export class StrimziApiRule implements IUpdateRule {
  public readonly id = 'Millrace.StrimziApiOutdated';

  public check(before: Assembly, after: Assembly): Finding[] {
    const accepted = new Set(before.objects.flatMap((object) => this.findings(object).map(keyOf)));
    return after.objects.flatMap((object) => this.findings(object)).filter((finding) => !accepted.has(keyOf(finding)));
  }

  private findings({ id, manifest }: SynthesizedObject): Finding[] {
    return mistakesOf(manifest).map(({ path, message, fix }) => ({
      code: this.id,
      severity: FindingSeverity.ERROR,
      path: id,
      message: `${path} ${message}`,
      fix,
    }));
  }
}

function keyOf({ path, message }: Finding): string {
  return `${path}\0${message}`;
}
