import { type ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { DESTROY_NEEDS_TWO_KEYS, WARNING_ANNOTATION, decideRetention } from '../../core/retention';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { requireAllocation } from '../../cost/applied-allocation';
import type { FeatureGroupOptions } from '../feature-group';
import type { FeatureSchema } from '../feature-schema';
import { FEATURE_SCHEMA_RECORD_KEY, featureSchemaRecord } from '../feature-schema-record';
import { OnlineStoreSizing } from '../online-store-sizing';
import { withoutHistory } from './batch-source';
import { entityFileOf, entitySource, fileOf, pushSourceOf, viewSource } from './feast-definitions';
import { filesConfigMap } from './feast-jobs';
import { FeatureGroupGrants } from './feature-group-grants';
import { FeatureGroupMetrics } from './feature-group-metrics';
import type { FeatureStore } from './feature-store';
import { type FeatureGroupAttributes, type IFeatureGroup, ImportedFeatureGroup } from './imported-feature-group';

/** What a feature group of Feast takes beside its store. */
export interface FeastFeatureGroupOptions extends FeatureGroupOptions {
  /**
   * Table of the offline store with its history: the features and, as a timestamp, the event time. It is yours to make.
   * @default - the name of the schema, with `_` for `-`
   */
  readonly tableName?: string;
}

/** Properties of a feature group of Feast. */
export interface FeatureGroupProps extends FeastFeatureGroupOptions {
  /** The feature store that serves it. */
  readonly store: FeatureStore;
}

/**
 * A feature group of Feast: a feature view with its entity, a source for pushes, and a table of history behind it. Its definition is Python,
 * generated from the schema into a ConfigMap and applied by the job of the store; the synthesis also writes it as a document below
 * `features/<storeName>/`. A view that leaves the app stays in the registry with its values, unless `removalPolicy` was DESTROY, with the
 * context key `millrace:destroyData`, in an apply before: then the next apply drops it.
 *
 * @throws Millrace.FeatureGroupTwice, Millrace.FeatureGroupNamespace, Millrace.FeatureEntityTypeDiffers, Millrace.FeatureTableInvalid,
 * Millrace.FeatureStoreTooSlow, Millrace.FeatureGroupTooLarge, Millrace.FeatureDemandInvalid, Millrace.FeatureDemandDoesNotFit
 */
export class FeatureGroup extends Construct implements IFeatureGroup {
  /** Imports a group of a FeatureStore that another app makes, to grant access to it. */
  public static fromFeatureGroupAttributes(scope: Construct, id: string, attributes: FeatureGroupAttributes): ImportedFeatureGroup {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedFeatureGroup(scope, id, attributes);
  }

  /** Its name, which is that of the feature view. */
  public readonly featureGroupName: string;
  /** Its contract. */
  public readonly schema: FeatureSchema;
  /** The feature store that serves it. */
  public readonly store: FeatureStore;
  /** Name of the source to which new values are pushed. */
  public readonly pushSourceName: string;
  /** Name of the Feast project. */
  public readonly projectName: string;
  /** Address of the online server. */
  public readonly url: string;
  /** Labels of the servers' pods. */
  public readonly podSelector: { [key: string]: string };
  /** Namespace of the store. */
  public readonly namespace?: string;
  /** What its demand takes of the online store, where both are known: the store of all its groups has to carry the sum. */
  public readonly sizing?: OnlineStoreSizing;
  /** Access to this group. */
  public readonly grants: FeatureGroupGrants;
  /** What its pushes tell Prometheus, wherever they run. */
  public readonly metrics: FeatureGroupMetrics;

  constructor(scope: Construct, id: string, props: FeatureGroupProps) {
    super(scope, id);
    const { schema, store, demand } = props;
    enforce(this.node.path, props, [
      {
        code: 'Millrace.FeatureTableInvalid',
        subject: 'tableName',
        value: ({ tableName }) => tableName,
        valid: (name: string) => /^[A-Za-z_][A-Za-z0-9_]{0,126}$/.test(name),
        allowed: '1-127 letters, digits or _, not beginning with a digit; database and schema are of the offline store',
        fix: 'name the table alone, or leave it out',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.FeatureStoreTooSlow',
        subject: 'demand.p99',
        value: () => demand?.p99?.toMilliseconds({ integral: false }),
        valid: (millis: number) => millis >= store._onlineStore._p99Millis,
        allowed: `from ${store._onlineStore._p99Millis} ms: what ${store._onlineStore.storeType} needs for 99 of 100 reads (Feast, online server performance tuning)`,
        fix: 'keep the values in Redis, or give the read more time',
      },
    ]);
    this.schema = schema;
    this.featureGroupName = schema.name;
    this.store = store;
    this.projectName = store.storeName;
    this.url = store.url;
    this.podSelector = store.podSelector;
    this.pushSourceName = pushSourceOf(schema.name);
    this.namespace = Chart.of(this).namespace;
    const kind = store._onlineStore._kind;
    this.sizing = demand && kind ? OnlineStoreSizing.forDemand(demand, { store: kind }) : undefined;
    const retention = decideRetention(this, props.removalPolicy);
    const table = props.tableName ?? schema.name.replace(/-/g, '_');
    const batchSource = store._offlineStore?._batchSource(table) ?? withoutHistory(table);
    const files = {
      [entityFileOf(schema)]: entitySource(schema),
      [fileOf(schema)]: viewSource({ schema, batchSource, destroy: retention.destroy }),
    };
    this.checkSize(files);
    const definition: ApiObject = filesConfigMap(this, 'Resource', files, {
      [FEATURE_SCHEMA_RECORD_KEY]: JSON.stringify(featureSchemaRecord(schema)),
      ...(retention.warning ? { [WARNING_ANNOTATION]: `${DESTROY_NEEDS_TWO_KEYS}: ${retention.warning}` } : {}),
    });
    if (this.sizing) recordSizing(definition, this.sizing);
    store._define(this, files, definition.name);
    this.grants = new FeatureGroupGrants(this, store);
    this.metrics = new FeatureGroupMetrics(this.projectName, schema.name);
    requireAllocation(this);
  }

  private checkSize(files: { [file: string]: string }): void {
    const bytes = Object.entries(files).reduce((sum, [name, text]) => sum + name.length + Buffer.byteLength(text), 0);
    if (bytes <= MAX_CONTENT_BYTES) return;
    refuse(this.node.path, {
      code: 'Millrace.FeatureGroupTooLarge',
      subject: 'schema',
      received: `a definition of ${bytes} bytes`,
      allowed: `at most ${MAX_CONTENT_BYTES}, which a ConfigMap holds`,
      fix: 'shorten the descriptions, or split the group',
    });
  }
}

// Kubernetes, ConfigMap: 1 MiB.
const MAX_CONTENT_BYTES = 1024 * 1024;
