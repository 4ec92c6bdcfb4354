import { createHash } from 'crypto';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { ApiObject } from 'cdk8s';
import { buildManifests } from '../../bin/manifests';
import { buildPlatform } from '../../bin/platform';
import { core } from '../../lib';
import { objectId } from '../../lib/core/assembly';
import { idChanges, lockDifference } from './lock';

const ROOT = path.resolve(__dirname, '../..');
const LOCKS = path.join(ROOT, 'test/release.lock');
const { context } = JSON.parse(fs.readFileSync(path.join(ROOT, 'cdk.json'), 'utf8'));

interface Synthesis {
  readonly templates: string;
  readonly manifests: string;
  readonly charts: core.k8s.App;
}

let folder: string;
let first: Synthesis;
let second: Synthesis;

beforeAll(() => {
  jest.spyOn(console, 'error').mockImplementation();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-lock-'));
  // From one line of code, because the CDK writes stack traces into the assembly.
  [first, second] = ['first', 'second'].map((name) => synthesize(path.join(folder, name)));
});
afterAll(() => {
  jest.restoreAllMocks();
  fs.rmSync(folder, { recursive: true, force: true });
});

function synthesize(directory: string): Synthesis {
  const templates = path.join(directory, 'cdk.out');
  const manifests = path.join(directory, 'cdk8s.out');
  // So that the ids are those of the code alone.
  const noBaseline = path.join(folder, 'no-baseline');
  const app = new App({ outdir: templates, context: { ...context, 'millrace:baseline': noBaseline } });
  buildPlatform(app);
  app.synth();
  const charts = new core.k8s.App({ outdir: manifests });
  charts.node.setContext('millrace:baseline', noBaseline);
  buildManifests(charts);
  charts.synth();
  return { templates, manifests, charts };
}

/** One hash over the names and the bytes of every file in a folder. */
function hashOf(directory: string): string {
  const hash = createHash('sha256');
  const files = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  for (const file of files.filter((name) => fs.statSync(path.join(directory, name)).isFile())) {
    hash
      .update(`${file}\0`)
      .update(fs.readFileSync(path.join(directory, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Compares with the lock file, or writes it when UPDATE_LOCK is set. */
function expectLocked(name: string, lines: string[]): void {
  const file = path.join(LOCKS, name);
  const now = [...lines].sort();
  if (process.env.UPDATE_LOCK && !process.env.CI) {
    fs.mkdirSync(LOCKS, { recursive: true });
    fs.writeFileSync(file, `${now.join('\n')}\n`);
  }
  const locked = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  const difference = lockDifference(path.relative(ROOT, file), locked, now);
  if (difference) throw new Error(difference);
}

describe('the ids of the reference platform are locked', () => {
  test('a logical id and the construct path of every AWS resource', () => {
    const { stacks } = core.Assembly.fromDirectories({ templates: first.templates });
    expect(stacks.map((stack) => stack.id).sort()).toEqual(['Ingestion', 'Network', 'Prediction', 'Radar', 'Streaming']);
    expectLocked(
      'aws.txt',
      stacks.flatMap((stack) => stack.resources.map(({ logicalId, type, path: where }) => `${stack.id} ${logicalId} ${type} ${where}`)),
    );
  });

  test('a file, a name and the construct path of every Kubernetes object', () => {
    const { objects } = core.Assembly.fromDirectories({ manifests: first.manifests });
    const fileOf = new Map(objects.map(({ id, file }) => [id, file]));
    const lines = first.charts.node
      .findAll()
      .filter((construct): construct is ApiObject => ApiObject.isApiObject(construct))
      .map((object) => {
        const manifest = object.toJson();
        const name = `${manifest.metadata.namespace ?? '-'}/${manifest.metadata.name}`;
        return `${fileOf.get(objectId(manifest))} ${manifest.kind} ${name} ${object.node.path}`;
      });
    expect(lines).toHaveLength(objects.length);
    expectLocked('kubernetes.txt', lines);
  });
});

describe('a lock that no longer matches', () => {
  const locked = [
    'Streaming KafkaA1 AWS::MSK::Cluster Streaming/Kafka/Resource',
    'Streaming LogsB2 AWS::Logs::LogGroup Streaming/Logs/Resource',
  ];

  test('is nothing to report when only the order differs', () => {
    expect(lockDifference('aws.txt', locked, [...locked].reverse())).toBeUndefined();
  });

  test('says which ids change under the same construct path, and that this replaces the resource', () => {
    const now = ['Streaming KafkaC3 AWS::MSK::Cluster Streaming/Kafka/Resource', locked[1]];
    expect(idChanges(locked, now)).toEqual([
      'Streaming/Kafka/Resource: Streaming KafkaA1 AWS::MSK::Cluster -> Streaming KafkaC3 AWS::MSK::Cluster',
    ]);
    expect(lockDifference('aws.txt', locked, now)).toBe(
      'aws.txt does not match the reference platform\n' +
        '  - Streaming KafkaA1 AWS::MSK::Cluster Streaming/Kafka/Resource\n' +
        '  + Streaming KafkaC3 AWS::MSK::Cluster Streaming/Kafka/Resource\n' +
        'An id that changes replaces its resource: the deployment makes a new, empty one and deletes or abandons the old one.\n' +
        '  Streaming/Kafka/Resource: Streaming KafkaA1 AWS::MSK::Cluster -> Streaming KafkaC3 AWS::MSK::Cluster\n' +
        'Keep the construct id, or review the change and write the lock again with UPDATE_LOCK=1.',
    );
  });

  test('names what was added and removed', () => {
    expect(lockDifference('aws.txt', locked, [locked[0]])).toContain('  - Streaming LogsB2');
    expect(lockDifference('aws.txt', [], locked)).toContain('  + Streaming LogsB2');
  });
});

describe('a second synthesis of the same input is byte-identical', () => {
  test('of the templates, with every other file of the assembly', () => {
    expect(hashOf(second.templates)).toBe(hashOf(first.templates));
  });

  test('of the manifests', () => {
    expect(hashOf(second.manifests)).toBe(hashOf(first.manifests));
  });

  test('and a changed byte or name changes the hash', () => {
    const copy = path.join(folder, 'copy');
    fs.cpSync(first.manifests, copy, { recursive: true });
    expect(hashOf(copy)).toBe(hashOf(first.manifests));
    fs.appendFileSync(path.join(copy, 'radar.k8s.yaml'), '\n');
    expect(hashOf(copy)).not.toBe(hashOf(first.manifests));
  });
});
