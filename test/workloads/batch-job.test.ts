import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration } from 'aws-cdk-lib';
import { ApiObject, type Chart } from 'cdk8s';
import { BASELINE_CONTEXT, Baseline } from '../../lib/core/baseline';
import type { App } from '../../lib/core/k8s/app';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import { BatchJob, type BatchJobProps, GpuRequest, type JobExecution } from '../../lib/workloads/k8s';
import { refusalOf } from '../contract/refusal';
import { IMAGE, OWNER, SIZE, assemblyOf, manifestOf, manifestsOf, newChart } from './synthesis';

const make = (chart: Chart, props: Partial<BatchJobProps> = {}) => new BatchJob(chart, 'Migrate', { image: IMAGE, size: SIZE, ...props });
const specOf = (execution?: JobExecution) => manifestOf('Job', (chart) => make(chart, { execution })).spec;

describe('a job', () => {
  test('is three objects with an owner', () => {
    const manifests = manifestsOf((chart) => make(chart));
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(['Job', 'NetworkPolicy', 'ServiceAccount']);
    for (const { metadata } of manifests) expect(metadata.labels).toMatchObject(OWNER);
    expect(specOf().template.metadata.labels).toMatchObject(OWNER);
  });

  test('runs one pod that is replaced three times at most, for an hour at most, and stays to be read', () => {
    expect(specOf()).toMatchObject({ completions: 1, parallelism: 1, backoffLimit: 3, activeDeadlineSeconds: 3600 });
    expect(specOf().template.spec.restartPolicy).toBe('Never');
    expect(['ttlSecondsAfterFinished' in specOf(), 'suspend' in specOf()]).toEqual([false, false]);
  });

  test('of several parts numbers its pods and runs as many at once as the size says', () => {
    expect(specOf({ completions: 20 })).toMatchObject({ completionMode: 'Indexed', completions: 20, parallelism: 6 });
    expect(specOf({ completions: 4 }).parallelism).toBe(4);
    expect(specOf({ completions: 20, parallelism: 2 }).parallelism).toBe(2);
    expect(specOf().completionMode).toBe('NonIndexed');
  });

  test('does not count a lost node as a failure, and gives up at once where another try would be in vain', () => {
    expect(specOf({ failOnExitCodes: [2, 64] }).podFailurePolicy.rules).toEqual([
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [2, 64] } },
    ]);
    expect(specOf().podFailurePolicy.rules).toHaveLength(1);
  });

  test('takes what it is given', () => {
    const execution = { retries: 0, deadline: Duration.hours(6), keepFinished: Duration.days(1), suspended: true };
    expect(specOf(execution)).toMatchObject({
      backoffLimit: 0,
      activeDeadlineSeconds: 21600,
      ttlSecondsAfterFinished: 86400,
      suspend: true,
    });
  });

  test('spreads over the zones where there is room', () => {
    expect(specOf().template.spec.topologySpreadConstraints.map(({ whenUnsatisfiable }: any) => whenUnsatisfiable)).toEqual([
      'ScheduleAnyway',
      'ScheduleAnyway',
    ]);
  });
});

describe('the name of a job', () => {
  const nameOf = (work: (job: BatchJob) => unknown = () => undefined, props: Partial<BatchJobProps> = {}) =>
    manifestOf('Job', (chart) => work(make(chart, props))).metadata.name;

  test('stays while nothing changes, or only what Kubernetes lets change', () => {
    expect(nameOf()).toMatch(/^fraud-migrate-[0-9a-z]{8}-[0-9a-f]{8}$/);
    expect(nameOf()).toBe(nameOf());
    expect(nameOf(undefined, { execution: { retries: 5, deadline: Duration.hours(2) } })).toBe(nameOf());
  });

  test.each<[string, string]>([
    ['the image', nameOf(undefined, { image: `${IMAGE}-rc1` })],
    ['a variable that is added later', nameOf((job) => job.addEnvironment('A', 'b'))],
    ['a secret that is mounted later', nameOf((job) => job.mountSecret('key', '/etc/key'))],
    ['the number of parts', nameOf(undefined, { execution: { completions: 2 } })],
    ['what it does not try again', nameOf(undefined, { execution: { failOnExitCodes: [2] } })],
    ['a GPU', nameOf(undefined, { scheduling: { gpu: GpuRequest.whole(1) } })],
  ])('changes with %s', (_what, name) => {
    expect(name).not.toBe(nameOf());
    expect(name.slice(0, -9)).toBe(nameOf().slice(0, -9));
  });

  test('is on the construct as it is on the object', () => {
    const chart = newChart();
    const job = make(chart);
    job.addEnvironment('A', 'b');
    expect(assemblyOf(chart).objects.map(({ manifest }) => manifest.metadata.name)).toContain(job.jobName);
  });
});

describe('an update of a job', () => {
  const findings = (before: Partial<BatchJobProps>, after: Partial<BatchJobProps>) => {
    const [first, second] = [newChart(), newChart()];
    make(first, before);
    make(second, after);
    return checkUpdate(assemblyOf(first), assemblyOf(second), [...StatefulUpdateRules.all(), ...registeredUpdateRules(second)]).map(
      ({ severity, code }) => `${severity} ${code}`,
    );
  };

  test('that changes nothing has no finding', () => expect(findings({}, {})).toEqual([]));

  test('says that it runs again under a new name, where Kubernetes would have refused it under the old one', () => {
    expect(findings({}, { image: `${IMAGE}-rc1` })).toEqual(['warning Millrace.JobRunsAgain']);
  });

  test('of another maker says nothing: there one instance has many jobs', () => {
    const build = (name: string) => {
      const chart = newChart();
      const labels = { 'app.kubernetes.io/instance': 'release' };
      new ApiObject(chart, 'Job', { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, labels } });
      make(chart);
      return chart;
    };
    const [first, second] = [build('one'), build('two')];
    expect(checkUpdate(assemblyOf(first), assemblyOf(second), registeredUpdateRules(second))).toEqual([]);
  });

  test('with another owner keeps its name and, beside a baseline, the labels of its pods: who pays is no reason to run again', () => {
    const first = newChart();
    make(first);
    const accepted = assemblyOf(first);
    const baseline = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-jobs-'));
    Baseline.write(baseline, accepted, {}, (first.node.root as App).outdir);
    const second = newChart('payments');
    second.node.setContext(BASELINE_CONTEXT, baseline);
    make(second);
    const after = assemblyOf(second);
    expect(checkUpdate(accepted, after, [...StatefulUpdateRules.all(), ...registeredUpdateRules(second)])).toEqual([]);
    const { metadata, spec } = after.objects.map(({ manifest }) => manifest).find(({ kind }) => kind === 'Job')!;
    expect([metadata.labels.team, spec.template.metadata.labels.team]).toEqual(['payments', 'fraud-ml']);
  });
});

describe('refused', () => {
  test.each<[string, JobExecution, string]>([
    ['no part', { completions: 0 }, 'completions'],
    ['more pods than parts', { completions: 2, parallelism: 3 }, 'parallelism'],
    ['half a retry', { retries: 0.5 }, 'retries'],
    ['a deadline of a month', { deadline: Duration.days(30) }, 'deadline'],
    ['no exit code', { failOnExitCodes: [] }, 'failOnExitCodes'],
    ['the exit code of success', { failOnExitCodes: [0] }, 'failOnExitCodes'],
    ['half a second', { keepFinished: Duration.millis(500) }, 'keepFinished'],
  ])('fails for %s', (_what, execution, subject) => {
    expect(refusalOf(() => make(newChart(), { execution }))).toEqual([`Millrace.BatchJobInvalid execution.${subject}`]);
  });
});
