import type { Size } from 'aws-cdk-lib';
import { type Rule, isPositiveInteger } from '../../core/rule';
import type { ModelRegistryProps } from './model-registry';

/** The version of which the library knows that its command makes an empty database and knows its hosts. */
const LEAST_MINOR = 17;
const OFFICIAL = /^ghcr\.io\/mlflow\/mlflow:v?3\.(\d+)\.\d+(-full)?(@sha256:[0-9a-f]{64})?$/;

interface Checked extends ModelRegistryProps {
  readonly replicas: number;
}

function official(image: string): { minor: number; full: boolean } | undefined {
  const match = OFFICIAL.exec(image);
  return match ? { minor: Number(match[1]), full: match[2] !== undefined } : undefined;
}

function row(
  subject: string,
  value: (props: Checked) => unknown,
  valid: (value: never) => boolean,
  allowed: string,
  fix: string,
): Rule<Checked> {
  return { code: 'Millrace.ModelRegistryServerInvalid', subject, value, valid, allowed, fix, tokens: 'refuse' };
}

/** Rules for MLflow on Kubernetes; those of its pods are those of a service. */
export const MLFLOW_RULES: readonly Rule<Checked>[] = [
  row(
    'image',
    (props) => (official(props.image) ? props.image : undefined),
    (image: string) => official(image)!.full && official(image)!.minor >= LEAST_MINOR,
    `of the images of MLflow one with -full, from 3.${LEAST_MINOR}: the others have neither psycopg2 nor boto3`,
    'use ghcr.io/mlflow/mlflow:v3.18.0-full, or an image of your own with mlflow, psycopg2 and boto3',
  ),
  row(
    'artifactUri',
    (props) => props.artifactUri,
    (uri: string) => /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w!.*'()-]+)*\/?$/.test(uri),
    'a place in S3: s3://bucket/prefix',
    'name the bucket',
  ),
  row(
    'database.secretName',
    (props) => props.database.secretName,
    (name: string) => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name),
    'the name of a secret in the namespace of the chart',
    'make a secret with the URI of the database',
  ),
  row(
    'database.secretKey',
    (props) => props.database.secretKey,
    (key: string) => /^[\w.-]{1,253}$/.test(key) && !/^\.\.?$/.test(key),
    'a key of a secret: letters, digits, -, _ and .',
    'leave it out for uri',
  ),
  row(
    'database.maxConnections',
    (props) => props.database.maxConnections,
    isPositiveInteger,
    'a whole number above 0',
    'leave it out for 90',
  ),
  row(
    'server.size',
    (props) => props.replicas,
    (replicas: number) => replicas >= 2,
    'at least two replicas: with one, each rollout and lost node is an outage',
    'PodSize.fixed({ …, replicas: 2 })',
  ),
  row(
    'server.temporaryStorage',
    (props) => props.server?.temporaryStorage,
    (size: Size) => size.toBytes() >= 2 ** 28 && size.toBytes() % 2 ** 20 === 0,
    'whole mebibytes from 256',
    'the largest file of a model, times the uploads at once in one pod',
  ),
  row(
    'server.workers',
    (props) => props.server?.workers,
    (workers: number) => isPositiveInteger(workers) && workers <= 16,
    '1-16',
    'leave it out for 2; more replicas are better than more workers',
  ),
  row(
    'hosts',
    (props) => props.hosts,
    (hosts: string[]) => hosts.every((host) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/.test(host)),
    'host names without scheme, port or wildcard: mlflow.example.com',
    'name the hosts of the ingress',
  ),
];
