import { Construct } from 'constructs';
import type { IFeatureGroup as IFeatureGroupContract } from '../feature-group';
import type { FeatureSchema } from '../feature-schema';
import { pushSourceOf } from './feast-definitions';
import { FeatureGroupGrants } from './feature-group-grants';
import { FeatureGroupMetrics } from './feature-group-metrics';

/** A feature group of Feast, made here or imported. */
export interface IFeatureGroup extends IFeatureGroupContract {
  /** Name of the source to which new values are pushed. */
  readonly pushSourceName: string;
  /** Name of the Feast project. */
  readonly projectName: string;
  /** Address of the online server. */
  readonly url: string;
  /** Labels of the servers' pods. */
  readonly podSelector: { [key: string]: string };
  /** Namespace of the servers. @default - that of the chart */
  readonly namespace?: string;
  /** What its pushes tell Prometheus, wherever they run. */
  readonly metrics: FeatureGroupMetrics;
}

/** What identifies a feature group of a FeatureStore that exists already. */
export interface FeatureGroupAttributes {
  /** Its contract. */
  readonly schema: FeatureSchema;
  /** Name of the FeatureStore object. */
  readonly resourceName: string;
  /** Name of the Feast project. */
  readonly projectName: string;
  /** Namespace of the FeatureStore. Its own network policy has to let the clients in: `FeatureStore.allowFromNamespace`. */
  readonly namespace: string;
}

/** A feature group that exists already, with a push source named as those made here. */
export class ImportedFeatureGroup extends Construct implements IFeatureGroup {
  /** Its name, which is that of its schema. */
  public readonly featureGroupName: string;
  /** Its contract. */
  public readonly schema: FeatureSchema;
  /** Name of the source to which new values are pushed. */
  public readonly pushSourceName: string;
  /** Name of the Feast project. */
  public readonly projectName: string;
  /** Address of the online server. */
  public readonly url: string;
  /** Labels of the servers' pods. */
  public readonly podSelector: { [key: string]: string };
  /** Namespace of the servers. */
  public readonly namespace?: string;
  /** Access to this group: the way out of the workload. */
  public readonly grants: FeatureGroupGrants;
  /** What its pushes tell Prometheus, wherever they run. */
  public readonly metrics: FeatureGroupMetrics;

  constructor(scope: Construct, id: string, props: FeatureGroupAttributes) {
    super(scope, id);
    const { schema, resourceName, projectName, namespace } = props;
    this.schema = schema;
    this.featureGroupName = schema.name;
    this.pushSourceName = pushSourceOf(schema.name);
    this.projectName = projectName;
    this.url = `http://feast-${resourceName}-online.${namespace}.svc`;
    this.podSelector = { 'feast.dev/name': resourceName };
    this.namespace = namespace;
    this.grants = new FeatureGroupGrants(this);
    this.metrics = new FeatureGroupMetrics(projectName, schema.name);
  }
}
