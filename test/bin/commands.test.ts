import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Bitrate, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Chart } from 'cdk8s';
import { type CheckOptions, runCheck } from '../../bin/commands/check';
import { type ReportOptions, runReport } from '../../bin/commands/report';
import { core, cost, streaming } from '../../lib';

const ROOT = path.resolve(__dirname, '../..');
const TSX = path.join(ROOT, 'node_modules/.bin/tsx');
const KEYS = 'all required keys (team, service, cost-center, environment)';
const OWNER = { team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' };

interface Platform {
  /** @default 24 */
  readonly partitions?: number;
  /** Leaves the cluster and its topic out. @default false */
  readonly withoutCluster?: boolean;
  /** @default false */
  readonly disposable?: boolean;
  /** @default true */
  readonly owned?: boolean;
}

const here = process.cwd();
let workspace: string;
let project: string;

beforeAll(() => {
  workspace = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'millrace-commands-'));
  jest.spyOn(console, 'error').mockImplementation();
});
beforeEach(() => {
  project = fs.mkdtempSync(path.join(workspace, 'project-'));
  process.chdir(project);
});
afterAll(() => {
  process.chdir(here);
  jest.restoreAllMocks();
  fs.rmSync(workspace, { recursive: true, force: true });
});

/** Synthesizes a small platform of both flavours into `cdk.out` and `cdk8s.out` of a folder. */
function synthesize(platform: Platform = {}, directory = '.'): void {
  const { partitions = 24, disposable = false, owned = true, withoutCluster = false } = platform;
  const removalPolicy = disposable ? RemovalPolicy.DESTROY : undefined;
  const context = { 'aws:cdk:enable-path-metadata': true, 'millrace:destroyData': disposable };
  fs.rmSync(path.join(directory, 'cdk.out'), { recursive: true, force: true });
  fs.rmSync(path.join(directory, 'cdk8s.out'), { recursive: true, force: true });

  const app = new App({ outdir: path.join(directory, 'cdk.out'), context });
  const stack = new Stack(app, 'Streaming', { env: { region: 'eu-west-1' } });
  const availabilityZones = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'];
  const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0a1b2c3d4e5f60718',
    availabilityZones,
    privateSubnetIds: ['1', '2', '3'].map((zone) => `subnet-0a1b2c3d4e5f6071${zone}`),
  });
  new Queue(stack, 'Alerts', { removalPolicy: RemovalPolicy.RETAIN });
  if (!withoutCluster) {
    const demand = { peakIngress: Bitrate.mbps(240), partitions: 120 };
    const cluster = new streaming.aws.KafkaCluster(stack, 'Kafka', { vpc, demand, removalPolicy });
    cluster.addTopic('Payments', { topicName: 'payments', partitions, removalPolicy });
  }
  if (owned) new cost.CostAllocation(OWNER).applyTo(stack);
  else if (!withoutCluster) new cost.CostAllocation(OWNER).applyTo(stack.node.findChild('Kafka'));
  app.synth();

  const charts = new core.k8s.App({ outdir: path.join(directory, 'cdk8s.out') });
  charts.node.setContext('millrace:destroyData', disposable);
  const chart = new Chart(charts, 'payments', { namespace: 'payments' });
  if (!withoutCluster) {
    const demand = { peakIngress: Bitrate.mbps(80), partitions: 24 };
    const cluster = new streaming.k8s.KafkaCluster(chart, 'Kafka', { demand, removalPolicy });
    cluster.addTopic('Payments', { topicName: 'payments', partitions, removalPolicy });
  }
  new cost.CostAllocation(OWNER).applyTo(chart);
  charts.synth();
}

interface Outcome {
  readonly code: number;
  readonly text: string;
}

function collect(work: (print: (text: string) => void) => number): Outcome {
  const lines: string[] = [];
  const code = work((text) => lines.push(text));
  return { code, text: lines.join('\n') };
}

const FOLDERS = { templates: 'cdk.out', manifests: 'cdk8s.out', json: false };
const check = (options: Partial<CheckOptions> = {}) => collect((print) => runCheck({ ...FOLDERS, accept: false, ...options }, print));
const report = (options: Partial<ReportOptions> = {}) => collect((print) => runReport({ ...FOLDERS, synth: false, ...options }, print));
/** Lines of a finding without its path: `error Millrace.X`. */
const findingsIn = ({ text }: Outcome) =>
  [...text.matchAll(/^ {2}(error|warning) +(Millrace\.\w+)/gm)].map(([, severity, code]) => `${severity} ${code}`);

/** The command line in this process: what it prints and its exit code. */
function millrace(...args: string[]): { code: unknown; stdout: string; stderr: string } {
  const before = { argv: process.argv, exitCode: process.exitCode, listeners: process.stdout.listeners('error') };
  const stdout = jest.spyOn(console, 'log').mockImplementation();
  const stderr = jest.mocked(console.error).mockClear();
  process.argv = ['node', 'millrace', ...args];
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the command runs as soon as it is loaded
    jest.isolateModules(() => require('../../bin/millrace'));
    const printed = (calls: unknown[][]) => calls.map((call) => call.join(' ')).join('\n');
    return { code: process.exitCode, stdout: printed(stdout.mock.calls), stderr: printed(stderr.mock.calls) };
  } finally {
    process.argv = before.argv;
    process.exitCode = before.exitCode;
    for (const listener of process.stdout.listeners('error')) {
      if (!before.listeners.includes(listener)) process.stdout.removeListener('error', listener as () => void);
    }
    stdout.mockRestore();
  }
}

describe('millrace check', () => {
  test('without a baseline compares with nothing and says how to make one', () => {
    synthesize();
    expect(check()).toEqual({
      code: 0,
      text:
        'no accepted synthesis in baseline: nothing to compare with\n' +
        '0 refused, 0 to know\n' +
        'write the baseline with millrace check --accept and commit it',
    });
    expect(fs.readdirSync('.').sort()).toEqual(['cdk.out', 'cdk8s.out']);
  });

  test('is clean after an accept, which leaves the baseline and nothing else', () => {
    synthesize();
    expect(check({ accept: true })).toMatchObject({
      code: 0,
      text: expect.stringContaining('accepted: baseline now holds this synthesis; commit it'),
    });
    expect(fs.readdirSync('.').sort()).toEqual(['baseline', 'cdk.out', 'cdk8s.out']);
    expect(fs.readdirSync('baseline', { recursive: true }).map(String).sort()).toEqual([
      'baseline.json',
      'manifests',
      'manifests/payments.k8s.yaml',
      'templates',
      'templates/Streaming.template.json',
    ]);
    synthesize();
    expect(check()).toEqual({ code: 0, text: 'compared with baseline\n0 refused, 0 to know' });
  });

  test('refuses fewer partitions on both sides, until they are accepted', () => {
    synthesize();
    check({ accept: true });
    synthesize({ partitions: 12 });
    const refused = check();
    expect(refused.code).toBe(1);
    expect(findingsIn(refused)).toEqual(['error Millrace.KafkaTopicPartitionsDecrease', 'error Millrace.KafkaTopicPartitionsDecrease']);
    expect(refused.text).toContain(
      '  error   Millrace.KafkaTopicPartitionsDecrease Streaming/Kafka/Payments/Resource\n' +
        '          partitions shrink from 24 to 12; Kafka can only add partitions, so the deploy fails\n' +
        '          fix: keep 24, or make a topic of another name, move the readers and retire this one\n',
    );
    expect(refused.text).toContain(
      '2 refused, 0 to know\nchange it back, follow the fix, or accept it after review with millrace check --accept',
    );
    expect(check({ accept: true }).code).toBe(0);
    expect(check()).toEqual({ code: 0, text: 'compared with baseline\n0 refused, 0 to know' });
  });

  test('refuses the removal of a cluster whose data would be deleted', () => {
    synthesize({ disposable: true });
    check({ accept: true });
    synthesize({ disposable: true, withoutCluster: true });
    const refused = check();
    expect(refused.code).toBe(1);
    expect(findingsIn(refused).filter((finding) => finding.startsWith('error'))).toEqual([
      'error Millrace.KafkaRemoval',
      'error Millrace.KafkaRemoval',
      'error Millrace.KafkaRemoval',
      'error Millrace.KafkaRemoval',
      'error Millrace.StatefulRemoval',
      'error Millrace.StatefulRemoval',
    ]);
    expect(refused.text).toContain('AWS::MSK::Cluster');
  });

  test('warns of the removal of a cluster that is retained', () => {
    synthesize();
    check({ accept: true });
    synthesize({ withoutCluster: true });
    const warned = check();
    expect(warned.code).toBe(0);
    expect(new Set(findingsIn(warned))).toEqual(new Set(['warning Millrace.StatefulRemoval', 'warning Millrace.KafkaRemoval']));
    expect(warned.text).toContain('AWS keeps it, unmanaged and billed');
  });

  test('writes findings as JSON and nothing beside it', () => {
    synthesize();
    check({ accept: true });
    synthesize({ partitions: 12 });
    const { code, text } = check({ json: true });
    expect(code).toBe(1);
    const { baseline, accepted, findings } = JSON.parse(text);
    expect([baseline, accepted]).toEqual(['baseline', false]);
    expect(findings[0]).toMatchObject({
      code: 'Millrace.KafkaTopicPartitionsDecrease',
      severity: 'error',
      path: 'KafkaTopic.kafka.strimzi.io/payments/payments-kafka-payments-c81c87b0',
    });
    expect(findings[1]).toMatchObject({
      templateFile: 'cdk.out/Streaming.template.json',
      logicalId: expect.stringMatching(/^KafkaPayments/),
    });
    fs.rmSync('baseline', { recursive: true });
    expect(JSON.parse(check({ json: true }).text)).toEqual({ baseline: null, accepted: false, findings: [] });
  });

  test('compares with another folder: a project, a cloud assembly, a folder of manifests, or a baseline', () => {
    synthesize({}, 'before');
    synthesize({ partitions: 12 });
    expect(check({ against: 'before' })).toMatchObject({
      code: 1,
      text: expect.stringMatching(/^compared with before\n[^]*\n2 refused, 0 to know\n/),
    });
    expect(check({ against: 'before/cdk.out' }).text).toContain('\n1 refused, ');
    expect(check({ against: 'before/cdk8s.out' }).text).toContain('\n1 refused, ');
    check({ accept: true });
    fs.renameSync('baseline', 'accepted-yesterday');
    expect(check({ against: 'accepted-yesterday' })).toMatchObject({ code: 0 });
    expect(() => check({ against: 'nowhere' })).toThrow(expect.objectContaining({ code: 'Millrace.NothingSynthesized' }));
  });

  test('uses the baseline folder that cdk.json names', () => {
    fs.writeFileSync('cdk.json', JSON.stringify({ context: { 'millrace:baseline': 'infra/accepted' } }));
    synthesize();
    expect(check({ accept: true }).text).toContain('accepted: infra/accepted now holds this synthesis');
    expect(check().text).toContain('compared with infra/accepted');
  });

  test('refuses a synthesis that is not there, whole or half, because everything would look deleted', () => {
    expect(() => check()).toThrow(expect.objectContaining({ code: 'Millrace.NothingSynthesized' }));
    synthesize();
    check({ accept: true });
    fs.rmSync('cdk.out', { recursive: true });
    expect(() => check()).toThrow(expect.objectContaining({ code: 'Millrace.NothingSynthesized' }));
    expect(() => check({ accept: true })).toThrow(expect.objectContaining({ code: 'Millrace.NothingSynthesized' }));
    expect(fs.existsSync('baseline/templates/Streaming.template.json')).toBe(true);
  });
});

describe('an accept that was interrupted', () => {
  beforeEach(() => {
    synthesize();
    check({ accept: true });
    synthesize({ partitions: 12 });
  });
  const refused = { code: 1, text: expect.stringMatching(/^compared with baseline\n[^]*\n2 refused, 0 to know\n/) };
  const clean = { code: 0, text: 'compared with baseline\n0 refused, 0 to know' };
  const entries = () => fs.readdirSync('.').sort();

  test('while it was writing has changed nothing, and the next one clears up after it', () => {
    fs.mkdirSync('baseline.new/templates', { recursive: true });
    fs.writeFileSync('baseline.new/templates/Streaming.template.json', '{ "Resour');
    expect(check()).toEqual(refused);
    check({ accept: true });
    expect(check()).toEqual(clean);
    expect(entries()).toEqual(['baseline', 'cdk.out', 'cdk8s.out']);
  });

  test('between the two renames leaves the accepted synthesis in force', () => {
    fs.cpSync('baseline', 'baseline.new', { recursive: true });
    fs.renameSync('baseline', 'baseline.old');
    expect(check()).toEqual(refused);
    expect(report().text).toContain('Millrace.KafkaTopicPartitionsDecrease');
    check({ accept: true });
    expect(check()).toEqual(clean);
    expect(entries()).toEqual(['baseline', 'cdk.out', 'cdk8s.out']);
  });

  test('before it removed the old one has taken effect, and the next one clears up after it', () => {
    fs.cpSync('baseline', 'baseline.old', { recursive: true });
    check({ accept: true });
    expect(check()).toEqual(clean);
    expect(entries()).toEqual(['baseline', 'cdk.out', 'cdk8s.out']);
  });

  test('and one that cannot be finished leaves the accepted synthesis as it was', () => {
    const assembly = core.Assembly.fromDirectories({ templates: 'cdk.out', manifests: 'cdk8s.out' });
    fs.rmSync('cdk8s.out/payments.k8s.yaml');
    expect(() => core.Baseline.write('baseline', assembly, {}, 'cdk8s.out')).toThrow('ENOENT');
    synthesize({ partitions: 12 });
    expect(check()).toEqual(refused);
  });
});

describe('millrace report', () => {
  test('shows sizes, owners, what cannot be tagged, findings and files', () => {
    synthesize();
    check({ accept: true });
    const { code, text } = report();
    expect(code).toBe(0);
    expect(text).toMatch(/^Sized\n {2}Streaming\/Kafka +express\.m7g\.large x 3 {2}limit: ingress, 81 % used\n {4}28\.6 MiB\/s in, /);
    expect(text).toMatch(
      /\n {2}Kafka\.kafka\.strimzi\.io\/payments\/payments-kafka-c8cbccc1 {2}m7g\.large x 3 +limit: storage, 69 % used\n/,
    );
    expect(text).toContain(`Cost allocation\n  4 of 4 taggable resources carry ${KEYS}\n  5 of 5 Kubernetes objects carry ${KEYS}\n`);
    expect(text).toMatch(/\n {2}\d+ cannot carry tags:\n/);
    expect(text).toContain(
      '    1 x AWS::MSK::Topic: billed with its cluster; shared by topic through the cluster tags and the PER_TOPIC_PER_BROKER metrics',
    );
    expect(text).toContain('Findings (compared with baseline/)\n  none\n');
    expect(text).toMatch(/Files\n {2}cdk\.out\/Streaming\.template\.json\n {2}cdk8s\.out\/payments\.k8s\.yaml$/);
  });

  test('warns when there is no baseline', () => {
    synthesize();
    const { code, text } = report();
    expect(code).toBe(0);
    expect(text).toContain('Findings\n  warning no accepted synthesis in baseline/: write it with millrace check --accept and commit it\n');
  });

  test('refuses what has no owner, under the vocabulary of the project', () => {
    synthesize({ owned: false });
    const { code, text } = report();
    expect(code).toBe(1);
    expect(text).toContain(`  3 of 4 taggable resources carry ${KEYS}`);
    expect(text).toContain(
      '  error   Millrace.TagsMissing Streaming/Alerts/Resource\n          required tag keys are missing: team, service, cost-center, environment\n',
    );
    expect(text).toContain('1 refused, 0 to know');
    synthesize();
    expect(report({ keys: ['team', 'product'] }).text).toContain('0 of 4 taggable resources carry all required keys (team, product)');
  });

  test('writes the same as JSON', () => {
    synthesize({ owned: false });
    const { code, text } = report({ json: true });
    expect(code).toBe(1);
    const { sized, coverage, findings } = JSON.parse(text);
    expect(sized.map((thing: any) => [thing.path, thing.bottleneck])).toEqual([
      ['Streaming/Kafka', 'ingress'],
      ['Kafka.kafka.strimzi.io/payments/payments-kafka-c8cbccc1', 'storage'],
    ]);
    expect([coverage.taggable, coverage.objects, coverage.uncovered.length]).toEqual([4, 5, 1]);
    expect(findings.map((finding: any) => [finding.severity, finding.code, finding.path])).toEqual([
      ['error', 'Millrace.TagsMissing', 'Streaming/Alerts/Resource'],
    ]);
  });

  test('shows that data is kept although its removal was asked for with one key', () => {
    synthesize({ disposable: true });
    expect(findingsIn(report())).toEqual([]);
    const charts = new core.k8s.App({ outdir: 'cdk8s.out' });
    const chart = new Chart(charts, 'payments', { namespace: 'payments' });
    const demand = { peakIngress: Bitrate.mbps(80), partitions: 24 };
    new streaming.k8s.KafkaCluster(chart, 'Kafka', { demand, removalPolicy: RemovalPolicy.DESTROY });
    new cost.CostAllocation(OWNER).applyTo(chart);
    charts.synth();
    expect(new Set(findingsIn(report()))).toEqual(new Set(['warning Millrace.DestroyNeedsTwoKeys']));
  });

  describe('when it synthesizes', () => {
    const OWNED = `import { CostAllocation } from '${ROOT}/lib/cost/cost-allocation';\n`;

    test('runs the apps into the folders and reports on them', () => {
      synthesize({}, 'made');
      fs.writeFileSync('cdk.json', JSON.stringify({ app: 'cp -r made/cdk.out/. "$CDK_OUTDIR"' }));
      fs.writeFileSync('cdk8s.yaml', 'language: typescript\napp: cp -r made/cdk8s.out/. "$CDK8S_OUTDIR"\n');
      fs.mkdirSync('cdk8s.out');
      fs.writeFileSync('cdk8s.out/removed.k8s.yaml', 'kind: ConfigMap\n');
      const { code, text } = report({ synth: true });
      expect({ code, stale: text.includes('removed.k8s.yaml') }).toEqual({ code: 0, stale: false });
      expect(text).toContain(`4 of 4 taggable resources carry ${KEYS}`);
    });

    test('lists what an app refuses, without a stack trace', () => {
      fs.writeFileSync(
        'app.ts',
        `${OWNED}new CostAllocation({ team: 'fraud ml', service: '', costCenter: 'CC-1042', environment: 'prod' });\n`,
      );
      fs.writeFileSync(
        'charts.js',
        "throw new Error('Validation failed with the following errors:\\n  [payments] Millrace.CostAllocationMissing: …');\n",
      );
      fs.writeFileSync('cdk.json', JSON.stringify({ app: `${TSX} app.ts` }));
      fs.writeFileSync('cdk8s.yaml', 'language: typescript\napp: node charts.js\n');
      const refused = report({ synth: true });
      expect(refused.code).toBe(1);
      expect(refused.text).toBe(
        [
          `refused: ${TSX} app.ts`,
          'MillraceError: CostAllocation: 2 violations',
          "  Millrace.CostAllocationValueInvalid: team: received 'fraud ml'; allowed: 1-63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit (valid as AWS tag and as Kubernetes label); fix: shorten it or replace what is not allowed by '-'",
          "  Millrace.CostAllocationValueInvalid: service: received ''; allowed: 1-63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit (valid as AWS tag and as Kubernetes label); fix: shorten it or replace what is not allowed by '-'",
          '',
          'refused: node charts.js',
          'Error: Validation failed with the following errors:',
          '  [payments] Millrace.CostAllocationMissing: …',
          '',
        ].join('\n'),
      );
      const { code, text } = report({ synth: true, json: true });
      expect(code).toBe(1);
      expect(JSON.parse(text)).toEqual({
        refused: [
          { app: `${TSX} app.ts`, message: expect.stringMatching(/^MillraceError: CostAllocation: 2 violations\n/) },
          { app: 'node charts.js', message: expect.stringMatching(/^Error: Validation failed/) },
        ],
      });
    });

    test.each([
      ['a project', { 'src/app.ts': '', 'manifest.json': '{}', 'cdk.out/keep.txt': '' }, 'manifest.json, src/app.ts'],
      ['code beside manifests', { 'a.k8s.yaml': 'kind: A\n', 'features/radar/model.py': '' }, 'features/radar/model.py'],
      ['notes beside manifests', { 'a.k8s.yaml': 'kind: A\n', 'charts/notes.md': '' }, 'charts/notes.md'],
      [
        'manifests written by hand',
        { 'a.yaml': '# ours\napiVersion: v1\nkind: A\nmetadata: {}\n', 'values.yaml': 'a: 1\n' },
        'a.yaml, values.yaml',
      ],
    ])('refuses to clear a folder with %s, and deletes nothing', (_what, files: Record<string, string>, named) => {
      fs.mkdirSync('cdk8s.out');
      fs.writeFileSync('cdk8s.out/old.k8s.yaml', 'kind: ConfigMap\n');
      for (const [file, text] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(`mine/${file}`), { recursive: true });
        fs.writeFileSync(`mine/${file}`, text);
      }
      fs.writeFileSync('cdk.json', JSON.stringify({ app: 'touch ran' }));
      fs.writeFileSync('cdk8s.yaml', 'app: touch ran\n');
      const before = fs.readdirSync('.', { recursive: true });
      for (const folders of [{ templates: 'mine' }, { manifests: 'mine' }]) {
        expect(() => report({ synth: true, ...folders })).toThrow(
          expect.objectContaining({ code: 'Millrace.OutputFolderForeign', message: expect.stringContaining(named.split(', ').at(-1)!) }),
        );
      }
      expect(fs.readdirSync('.', { recursive: true })).toEqual(before);
    });

    test('clears what a synth has written: manifests of any extension in sub-folders, and what a failed app left of an assembly', () => {
      synthesize({}, 'made');
      fs.writeFileSync('cdk.json', JSON.stringify({ app: 'cp -r made/cdk.out/. "$CDK_OUTDIR"' }));
      fs.writeFileSync('cdk8s.yaml', 'app: cp -r made/cdk8s.out/. "$CDK8S_OUTDIR"\n');
      fs.mkdirSync(`cdk.out/asset.${'0'.repeat(64)}`, { recursive: true });
      fs.mkdirSync('cdk8s.out/payments', { recursive: true });
      fs.writeFileSync('cdk8s.out/construct-metadata.json', '{}');
      fs.writeFileSync('cdk8s.out/payments/a.yaml', 'apiVersion: v1\nkind: A\nmetadata:\n  name: a\n');
      for (let run = 0; run < 2; run++) expect(report({ synth: true }).code).toBe(0);
      expect(fs.readdirSync('cdk8s.out')).toEqual(['catalog', 'payments.k8s.yaml']);
    });

    test.each([
      ['cdk.json', '{ "app": ', {}],
      ['cdk.json', '{}', {}],
      ['cdk.json', '[]', {}],
      ['cdk8s.yaml', 'app: [', {}],
      ['cdk8s.yaml', 'language: typescript\n', {}],
      ['cdk.context.json', '{', { 'cdk.json': '{"app": "true"}' }],
    ])('refuses a %s of %p', (file, text, others) => {
      for (const [name, content] of Object.entries({ ...others, [file]: text })) fs.writeFileSync(name, content);
      expect(() => report({ synth: true })).toThrow(
        expect.objectContaining({ code: 'Millrace.ProjectFileInvalid', violations: [expect.objectContaining({ subject: file })] }),
      );
    });

    test('refuses a folder without an app', () => {
      expect(() => report({ synth: true })).toThrow(expect.objectContaining({ code: 'Millrace.NoAppHere' }));
    });
  });
});

describe('the command line', () => {
  test.each([
    ['no command', [], /^millrace <command>/],
    ['an unknown command', ['deploy'], /^unknown command 'deploy'\n\nmillrace <command>/],
    ['a second argument', ['check', 'cdk.out'], /^unexpected argument 'cdk.out'\n\nmillrace <command>/],
    ['an unknown option', ['check', '--force'], /^Unknown option '--force'/],
    ['an option without its value', ['check', '--against'], /^Option '--against <value>' argument missing/],
  ])('answers %s with its usage and exit code 64', (_what, args, says) => {
    const { code, stdout, stderr } = millrace(...args);
    expect(code).toBe(64);
    expect(`${stderr}${stdout}`).toMatch(says);
    expect(`${stderr}${stdout}`).toContain('Exit codes: 0 nothing refused, 1 something refused, 64 wrong usage.');
  });

  test('answers --help with its usage and exit code 0', () => {
    expect(millrace('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--accept') });
  });

  test('answers a folder without a synthesis with the code and the fix, and exit code 1', () => {
    expect(millrace('report')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'millrace: Millrace.NothingSynthesized: cdk.out, cdk8s.out: received no template and no manifest; allowed: the output of cdk synth, cdk8s synth or both; ' +
        'fix: synthesize first (millrace report --synth), or name the folders with --templates and --manifests',
    });
  });

  test.each(['check', 'report'])('answers %s --json with the error as JSON on standard output, and exit code 1', (command) => {
    const { code, stdout, stderr } = millrace(command, '--json');
    expect([code, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'Millrace.NothingSynthesized', message: expect.stringMatching(/^millrace: Millrace.NothingSynthesized: cdk.out, /) },
    });
  });

  test.each(['{', '{"context":{"millrace:baseline":1}}'])('answers a cdk.json of %p with its name and a code', (text) => {
    synthesize();
    fs.writeFileSync('cdk.json', text);
    const { code, stdout } = millrace('check', '--json');
    expect([code, JSON.parse(stdout).error.code]).toEqual([1, 'Millrace.ProjectFileInvalid']);
    expect(JSON.parse(stdout).error.message).toContain('cdk.json');
  });

  test('passes its options on', () => {
    synthesize({}, 'old');
    synthesize({ partitions: 12 }, 'new');
    const folders = ['--templates', 'new/cdk.out', '--manifests', 'new/cdk8s.out'];
    const checked = millrace('check', '--against', 'old', '--json', ...folders);
    expect([checked.code, JSON.parse(checked.stdout).findings.length]).toEqual([1, 2]);
    expect(millrace('report', '--keys', 'team,product', ...folders)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('keys (team, product)'),
    });
    expect(millrace('check', '--accept', ...folders)).toMatchObject({ code: 0, stdout: expect.stringContaining('accepted: baseline') });
  });

  describe('in a process of its own', () => {
    const run = (...args: string[]) => spawnSync(TSX, [path.join(ROOT, 'bin/millrace.ts'), ...args], { cwd: project, encoding: 'utf8' });

    test('refuses on standard output with exit code 1', () => {
      synthesize();
      check({ accept: true });
      synthesize({ partitions: 12 });
      const { status, stdout, stderr } = run('check');
      expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
      expect(stdout).toContain('2 refused, 0 to know\n');
    });

    test('explains a wrong usage on standard error with exit code 64', () => {
      const { status, stdout, stderr } = run('chek');
      expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
      expect(stderr).toContain("unknown command 'chek'");
    });
  });
});
