import { createHash } from 'crypto';
import { ApiObject, Lazy, Names } from 'cdk8s';
import type { Construct } from 'constructs';
import { registerUpdateRules } from '../../core/update-rule';
import { WorkloadUpdateRules } from '../workload-update-rules';
import type { JobExecution } from './job-execution';
import { immutableJobFields, jobRules, jobSpec } from './job-spec';
import { Workload, type WorkloadOptions } from './workload';
import { BATCH_JOB_KIND, type WorkloadKind } from './workload-kind';

/** Properties of a job. */
export interface BatchJobProps extends WorkloadOptions {
  /**
   * How the pods run and end.
   * @default - one pod, replaced up to three times, for an hour
   */
  readonly execution?: JobExecution;
}

// With the hash and the index of a pod it stays below the 63 characters of a host name.
const MAX_BASE_LENGTH = 44;
const HASH_LENGTH = 8;

/**
 * A job on Kubernetes: it runs to completion once. Job, service account and a network policy that denies everything not declared.
 *
 * The API server refuses a change of a job, so its name ends with a hash of what cannot change: a changed job is a new object and runs
 * again, and an unchanged one does not. The allocation labels do not count. What a job does should bear being done twice: a new version of
 * this library may change the pod, too, and the update guard says so.
 *
 * @throws Millrace.BatchJobInvalid
 */
export class BatchJob extends Workload {
  private readonly baseName: string;
  private readonly execution: JobExecution;

  constructor(scope: Construct, id: string, props: BatchJobProps) {
    super(scope, id, props);
    this._begin(props, jobRules(BATCH_JOB_KIND.code));
    this.execution = props.execution ?? {};
    this.baseName = Names.toDnsLabel(this, { maxLen: MAX_BASE_LENGTH });
    const job = new ApiObject(this, 'Resource', {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: this.baseName, labels: { ...this._labels, ...this.podSelector } },
      spec: Lazy.any({ produce: () => this.render() }),
    });
    // cdk8s takes a name when an object is made, but this one follows from variables and secrets that are added until synthesis.
    for (const named of [job, job.metadata]) Object.defineProperty(named, 'name', { get: () => this.jobName, enumerable: true });
    this._finish(job);
    registerUpdateRules(this, WorkloadUpdateRules.all());
  }

  /** Name of the Job object as the job stands now; it changes with each variable, label or secret that is added. */
  public get jobName(): string {
    const content = JSON.stringify(immutableJobFields(this.render()));
    return `${this.baseName}-${createHash('sha256').update(content).digest('hex').slice(0, HASH_LENGTH)}`;
  }

  /** @internal */
  protected get _kind(): WorkloadKind {
    return BATCH_JOB_KIND;
  }

  private render(): Record<string, unknown> {
    return jobSpec(this.execution, this.sizing, this._podTemplate({ restartPolicy: 'Never' }));
  }
}
