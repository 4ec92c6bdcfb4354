import * as fs from 'fs';
import * as path from 'path';
import { checkHouse, ruleIds } from './import-rules';

const ROOT = path.resolve(__dirname, '../..');
const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
// jsii takes no peer that is not jsii itself: the optional ones of the command line are declared in the metadata alone.
const declared = Object.keys({ ...dependencies, ...peerDependencies, ...peerDependenciesMeta });

/** The rules that a house of the given files breaks. */
function broken(sources: Record<string, string>): string[] {
  return checkHouse({ sources, declared }).map(({ rule, file }) => `${rule} ${file}`);
}

describe('the house', () => {
  test('keeps its rules in every source file', () => {
    const files = fs
      .readdirSync(path.join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `lib/${file}`);
    const sources = Object.fromEntries(files.map((file) => [file, fs.readFileSync(path.join(ROOT, file), 'utf8')]));
    expect(files.length).toBeGreaterThan(50);
    expect(checkHouse({ sources, declared }).map(({ rule, file, message }) => `${file}: ${message} (${rule})`)).toEqual([]);
  });
});

const TOPIC = {
  'lib/streaming/topic.ts': '',
  'lib/streaming/aws/topic.ts': '',
  'lib/streaming/k8s/topic.ts': '',
  'lib/streaming/index.ts': '',
};

const REFUSED: readonly (readonly [what: string, rule: string, file: string, source: string])[] = [
  ['the other flavour of the room', 'flavours-apart', 'lib/streaming/aws/user.ts', "import { Topic } from '../k8s/topic';"],
  ['the other flavour of the room, as a type', 'flavours-apart', 'lib/streaming/k8s/user.ts', "import type { Topic } from '../aws/topic';"],
  ['the other flavour of another room', 'flavours-apart', 'lib/workloads/aws/pod.ts', "import { Topic } from '../../streaming/k8s/topic';"],
  ['the other flavour of core', 'flavours-apart', 'lib/streaming/aws/user.ts', "import { App } from '../../core/k8s/app';"],
  ['the other flavour in a function', 'flavours-apart', 'lib/streaming/k8s/user.ts', "const f = () => require('../aws/topic');"],
  ['the other flavour in a type expression', 'flavours-apart', 'lib/streaming/aws/user.ts', "let t: import('../k8s/topic').Topic;"],
  ['cdk8s on the AWS side', 'flavours-apart', 'lib/streaming/aws/user.ts', "import { Size } from 'cdk8s';"],
  ['cdk8s-plus in a function on the AWS side', 'flavours-apart', 'lib/streaming/aws/user.ts', "const f = () => require('cdk8s-plus-27');"],
  ['a flavour in a contract', 'contract-below-flavours', 'lib/streaming/schema.ts', "import { Topic } from './aws/topic';"],
  ['a type of a flavour in a contract', 'contract-below-flavours', 'lib/streaming/schema.ts', "import type { Topic } from './k8s/topic';"],
  [
    'a flavour required at the top of a contract',
    'contract-below-flavours',
    'lib/streaming/schema.ts',
    "const t = require('./aws/topic');",
  ],
  [
    'a flavour of another room required in a function of a contract',
    'contract-below-flavours',
    'lib/workloads/pod.ts',
    "function f() { return require('../streaming/aws/topic'); }",
  ],
  ['another room through its index', 'no-import-of-index', 'lib/workloads/pod.ts', "import { Topic } from '../streaming';"],
  ['the index of its own room', 'no-import-of-index', 'lib/streaming/aws/user.ts', "import type { ITopic } from '..';"],
  ['the index of the library', 'no-import-of-index', 'lib/workloads/pod.ts', "import { streaming } from '../index';"],
  ['a room in core', 'core-knows-no-room', 'lib/core/rule.ts', "import type { Topic } from '../streaming/topic';"],
  ['cost in core', 'core-knows-no-room', 'lib/core/k8s/app.ts', "import { CostAllocation } from '../../cost/cost-allocation';"],
  ['a room in cost', 'cost-knows-core-only', 'lib/cost/tag-policy.ts', "import type { Topic } from '../streaming/topic';"],
  ['the CDK loaded by a contract', 'contracts-load-no-framework', 'lib/streaming/schema.ts', "import { Duration } from 'aws-cdk-lib';"],
  [
    'a CDK service loaded by a sizing',
    'contracts-load-no-framework',
    'lib/streaming/a-sizing.ts',
    "import * as msk from 'aws-cdk-lib/aws-msk';",
  ],
  ['cdk8s loaded by core', 'contracts-load-no-framework', 'lib/core/rule.ts', "import cdk8s = require('cdk8s');"],
  [
    'constructs loaded by cost',
    'contracts-load-no-framework',
    'lib/cost/budget.ts',
    "import { type IConstruct, Construct } from 'constructs';",
  ],
  ['the CDK required at the top', 'contracts-load-no-framework', 'lib/cost/budget.ts', "const cdk = require('aws-cdk-lib');"],
  [
    'the CDK required for a static property',
    'contracts-load-no-framework',
    'lib/cost/budget.ts',
    "class Budget { static readonly day = require('aws-cdk-lib').Duration.days(1); }",
  ],
  ['the CDK re-exported by a contract', 'contracts-load-no-framework', 'lib/cost/budget.ts', "export { Duration } from 'aws-cdk-lib';"],
  ['cdk8s loaded for its effect', 'contracts-load-no-framework', 'lib/cost/budget.ts', "import 'cdk8s';"],
  ['a file of bin', 'lib-stands-alone', 'lib/core/rule.ts', "import { allocationOf } from '../../bin/shared-names';"],
  ['a type of a test', 'lib-stands-alone', 'lib/core/rule.ts', "import type { Manifest } from '../../test/manifests/manifest';"],
  ['a development dependency', 'declared-packages-only', 'lib/core/rule.ts', "import fc from 'fast-check';"],
  [
    'a type of a development dependency',
    'declared-packages-only',
    'lib/core/rule.ts',
    "import type { A } from '@aws-cdk/aws-service-spec';",
  ],
  ['a development dependency in a function', 'declared-packages-only', 'lib/core/rule.ts', "const f = () => import('typescript');"],
  ['an index that exports another room', 'index-exports-its-own-folder', 'lib/workloads/index.ts', "export * from '../streaming/topic';"],
  ['an index that exports a package', 'index-exports-its-own-folder', 'lib/workloads/index.ts', "export { Duration } from 'aws-cdk-lib';"],
  ['an index that reaches into a folder', 'index-exports-its-own-folder', 'lib/streaming/index.ts', "export * from './aws/topic';"],
  ['an index with code of its own', 'index-exports-its-own-folder', 'lib/workloads/index.ts', 'export const ZONES = 3;'],
  [
    'a construct beside the contracts',
    'constructs-in-flavour-folders',
    'lib/streaming/schema.ts',
    'export class Schema extends Construct {}',
  ],
  ['an API object in core', 'constructs-in-flavour-folders', 'lib/core/rule.ts', 'class Thing extends cdk8s.ApiObject {}'],
  ['a local construct class', 'constructs-in-flavour-folders', 'lib/cost/budget.ts', 'function f() { return class extends Resource {}; }'],
  ['a chart outside of the rooms', 'constructs-in-flavour-folders', 'lib/index.ts', 'class Payments extends Chart {}'],
  ['a grab-bag file', 'no-grab-bag', 'lib/core/utils.ts', ''],
  ['a file named for what manages', 'no-grab-bag', 'lib/streaming/aws/topic-manager.ts', ''],
  ['a grab-bag folder', 'no-grab-bag', 'lib/common/rule.ts', ''],
  ['a file in camel case', 'kebab-case', 'lib/streaming/kafkaCluster.ts', ''],
  ['a folder in snake case', 'kebab-case', 'lib/change_capture/source.ts', ''],
  ['a file that stands in no room', 'in-a-room', 'lib/version.ts', ''],
  ['a file of 321 lines', 'short-files', 'lib/core/rule.ts', '// a line\n'.repeat(321)],
];

describe('the rules of the house refuse', () => {
  test.each(REFUSED)('%s', (_what, rule, file, source) => {
    expect(broken({ ...TOPIC, [file]: source })).toContain(`${rule} ${file}`);
  });

  test('something by each rule there is', () => {
    expect(new Set(REFUSED.map(([, rule]) => rule))).toEqual(new Set(ruleIds()));
  });

  test('a construct that extends one of another file', () => {
    const sources = {
      'lib/streaming/aws/base.ts': 'export abstract class TopicBase extends Resource {}',
      'lib/streaming/schema.ts': 'export class Schema extends TopicBase {}',
    };
    expect(broken(sources)).toEqual(['constructs-in-flavour-folders lib/streaming/schema.ts']);
  });
});

describe('the rules of the house allow', () => {
  test.each<[string, string, string]>([
    [
      'a contract, core and cost in a flavour',
      'lib/streaming/aws/user.ts',
      "import '../topic'; import '../../core/rule'; import '../../cost/x';",
    ],
    ['the same flavour of another room', 'lib/workloads/aws/pod.ts', "import { Topic } from '../../streaming/aws/topic';"],
    ['a contract of another room', 'lib/workloads/k8s/pod.ts', "import { type ITopic, CleanupPolicy } from '../../streaming/topic';"],
    [
      'types of the frameworks in a contract',
      'lib/streaming/schema.ts',
      "import type { Duration } from 'aws-cdk-lib'; import { type Cpu } from 'cdk8s-plus-27';",
    ],
    [
      'the CDK required in a method of a contract',
      'lib/streaming/schema.ts',
      "class S { size() { return (require('aws-cdk-lib') as typeof import('aws-cdk-lib')).Size; } }",
    ],
    [
      'its own flavours required in a function',
      'lib/streaming/schema.ts',
      "const f = () => require('./aws/topic') as typeof import('./aws/topic');",
    ],
    [
      'units of the CDK on the Kubernetes side',
      'lib/streaming/k8s/user.ts',
      "import { Duration } from 'aws-cdk-lib'; import { Chart } from 'cdk8s';",
    ],
    ['types of cdk8s on the AWS side', 'lib/streaming/aws/user.ts', "import type { Chart } from 'cdk8s';"],
    [
      'the modules of Node and of dependencies',
      'lib/core/assembly.ts',
      "import 'fs'; import 'node:path'; import 'yaml'; import 'fs/promises';",
    ],
    ['generated data beside a file', 'lib/cost/tag-spec.ts', "const f = () => require('./tag-spec.generated.json');"],
    ['flavours as namespaces of an index', 'lib/streaming/index.ts', "export * from './topic'; export * as aws from './aws';"],
    ['a class that extends none of the constructs', 'lib/streaming/topic-sizing.ts', 'class TopicSizing extends Sizing {}'],
    ['a concept whose name begins with data', 'lib/lakehouse/data-quality.ts', ''],
    ['a file of 320 lines', 'lib/core/rule.ts', '// a line\n'.repeat(320)],
    ['a generated file of any length', 'lib/core/limits.generated.ts', '// a line\n'.repeat(1000)],
  ])('%s', (_what, file, source) => {
    expect(broken({ ...TOPIC, [file]: source })).toEqual([]);
  });
});
