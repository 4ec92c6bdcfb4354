import { Size } from 'aws-cdk-lib';
import { ApiObject, JsonPatch, Names } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { WARNING_ANNOTATION } from '../../core/retention';
import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { BatchJob } from '../../workloads/k8s/batch-job';
import { PodSize } from '../../workloads/pod-size';
import { Compatibility } from '../compatibility';
import { confluentLevelOf } from '../compatibility-checks';
import { SchemaFormat } from '../schema';
import { type SchemaAssessment, SchemaHistory } from '../schema-history';
import { SCHEMA_RECORD_KEY, type SchemaRecord, versionFileOf } from '../schema-record';
import {
  type IRegisteredSchema,
  REGISTERED_SCHEMA_RULES,
  type RegisteredSchemaOptions,
  claimSubject,
  reportForbidden,
} from '../schema-registry';
import { sha256 } from '../schema-text';
import { schemaUpdateRules } from '../schema-update-rules';
import type { ISchemaRegistry } from './schema-registry';
import { portOf } from './schema-registry-rules';

/** Properties of a schema in a registry with the API of Confluent's. */
export interface RegisteredSchemaProps extends RegisteredSchemaOptions {
  /** The registry, made here or imported. */
  readonly registry: ISchemaRegistry;
}

const FILES = '/etc/millrace/schema';
const CREDENTIALS = '/etc/millrace/credentials';
const CA = '/etc/millrace/ca';
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';
const HASH_LENGTH = 8;
const MAX_NAME_LENGTH = 50;
// Kubernetes, ConfigMap: 1 MiB.
const MAX_CONTENT_BYTES = 1024 * 1024;
// Images with curl name their user in words or not at all, and Kubernetes believes a number alone not to be root. It is no part of the hash in
// the job's name, so it can never change.
const JOB_USER = 65532;
const SCHEMA_TYPES = { [SchemaFormat.AVRO]: 'AVRO', [SchemaFormat.JSON_SCHEMA]: 'JSON', [SchemaFormat.PROTOBUF]: 'PROTOBUF' };

/**
 * The schema of a subject in a registry with the API of Confluent's, with every accepted version of it: a ConfigMap with the versions, and a
 * job that registers them in their order and sets the mode. Both have a name by their content, so a changed schema runs a new job; a registry
 * answers a version that it knows with the id it has, so running twice changes nothing. A registry that starts empty is filled with the whole
 * history, each version under the present mode.
 *
 * Glue's mode DISABLED has no counterpart in that API: the check at synth refuses the second version, and the registry is set to
 * FULL_TRANSITIVE, its strictest mode.
 *
 * @throws Millrace.SchemaSubjectInvalid, Millrace.SchemaSubjectTwice, Millrace.SchemaHistoryDamaged, Millrace.SchemaTooLarge, and at the end of
 * the synth Millrace.SchemaIncompatible, Millrace.SchemaFrozen
 */
export class RegisteredSchema extends Construct implements IRegisteredSchema {
  /** Subject. */
  public readonly subject: string;
  /** The job that registers the versions. */
  public readonly job: BatchJob;

  constructor(scope: Construct, id: string, props: RegisteredSchemaProps) {
    super(scope, id);
    enforce(this.node.path, props, REGISTERED_SCHEMA_RULES);
    claimSubject(props.registry, this.node.path, props.subject);
    this.subject = props.subject;
    const compatibility = props.compatibility ?? Compatibility.BACKWARD;
    const assessment = SchemaHistory.of(this).assess(props.subject, props.schema, compatibility);
    const content = contentOf(props.registry, this.subject, compatibility, assessment);
    this.checkSize(content);
    const record: SchemaRecord = { subject: this.subject, format: props.schema.format, compatibility, version: assessment.current };
    const { notice } = assessment;
    const configMap = new ApiObject(this, 'Resource', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: `${Names.toDnsLabel(this, { maxLen: MAX_NAME_LENGTH })}-${sha256(JSON.stringify(content)).slice(0, HASH_LENGTH)}`,
        annotations: {
          [SCHEMA_RECORD_KEY]: JSON.stringify(record),
          ...(notice ? { [WARNING_ANNOTATION]: `${notice.code}: ${notice.message}` } : {}),
        },
      },
      data: content,
      immutable: true,
    });
    this.job = this.register(props.registry, configMap.name);
    reportForbidden(this, assessment);
    requireAllocation(this);
    registerUpdateRules(this, schemaUpdateRules());
  }

  private checkSize(content: Record<string, string>): void {
    const bytes = Object.entries(content).reduce((sum, [name, text]) => sum + name.length + Buffer.byteLength(text), 0);
    if (bytes <= MAX_CONTENT_BYTES) return;
    refuse(this.node.path, {
      code: 'Millrace.SchemaTooLarge',
      subject: this.subject,
      received: `${bytes} bytes in all versions together`,
      allowed: `at most ${MAX_CONTENT_BYTES}, which a ConfigMap holds`,
      fix: 'drop documentation from further versions, or start a topic with a history of its own',
    });
  }

  private register(registry: ISchemaRegistry, configMapName: string): BatchJob {
    const job = new BatchJob(this, 'Job', {
      image: registry.registrationImage,
      size: PodSize.fixed({ cpu: Cpu.millis(50), memory: Size.mebibytes(64), replicas: 1 }),
      container: { command: ['/bin/sh', `${FILES}/register.sh`] },
      // The registry may come up in the same apply.
      execution: { retries: 10 },
    });
    (job.node.defaultChild as ApiObject).addJsonPatch(JsonPatch.add('/spec/template/spec/securityContext/runAsUser', JOB_USER));
    job.mountConfigMap(configMapName, FILES);
    if (registry.credentialsSecretName) job.mountSecret(registry.credentialsSecretName, CREDENTIALS);
    if (registry.caSecretName) job.mountSecret(registry.caSecretName, CA);
    const port = portOf(registry.url);
    if (registry.podSelector) job.allowToPods(registry.podSelector, port, registry.namespace);
    if (registry.cidr) job.allowToCidr(registry.cidr, port);
    return job;
  }
}

/** The files that the job mounts: the script, the mode, and a request for each version. */
function contentOf(
  registry: ISchemaRegistry,
  subject: string,
  compatibility: Compatibility,
  assessment: SchemaAssessment,
): Record<string, string> {
  const requests = assessment.versions.map((accepted): [string, string] => [
    versionFileOf(accepted.version),
    JSON.stringify({ schemaType: SCHEMA_TYPES[accepted.schema.format], schema: accepted.schema.definition }),
  ]);
  return {
    'register.sh': scriptOf(
      registry,
      subject,
      requests.map(([file]) => file),
    ),
    'config.json': JSON.stringify({ compatibility: confluentLevelOf(compatibility) }),
    ...Object.fromEntries(requests),
  };
}

/** The first version goes before the mode: Apicurio keeps a mode for subjects that exist only. */
function scriptOf(registry: ISchemaRegistry, subject: string, [first, ...later]: string[]): string {
  const options = [
    '--silent --show-error --fail-with-body --max-time 30',
    '--retry 5 --retry-delay 5 --retry-connrefused',
    ...(registry.caSecretName ? [`--cacert ${CA}/ca.crt`] : []),
    // From a file, so that the password stands in no list of processes.
    ...(registry.credentialsSecretName ? ['--config /tmp/credentials'] : []),
  ];
  const quote = `sed 's/[\\\\"]/\\\\&/g'`;
  return [
    'set -eu',
    'umask 077',
    ...(registry.credentialsSecretName
      ? [`printf 'user = "%s:%s"\\n' "$(${quote} ${CREDENTIALS}/username)" "$(${quote} ${CREDENTIALS}/password)" > /tmp/credentials`]
      : []),
    'call() {',
    `  curl ${options.join(' ')} --request "$1" --header 'Content-Type: ${MEDIA_TYPE}' --data-binary "@${FILES}/$3" '${registry.url}'"$2"`,
    '  echo',
    '}',
    `call POST /subjects/${subject}/versions ${first}`,
    `call PUT /config/${subject} config.json`,
    ...later.map((file) => `call POST /subjects/${subject}/versions ${file}`),
    '',
  ].join('\n');
}
