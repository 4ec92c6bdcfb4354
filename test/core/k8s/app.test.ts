import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import * as cdk8s from 'cdk8s';
import * as plus from 'cdk8s-plus-27';
import { Construct, DependencyGroup, type IConstruct } from 'constructs';
import * as fc from 'fast-check';
import { App } from '../../../lib/core/k8s';

type Build = (app: cdk8s.App) => void;
type AppClass = new (props?: cdk8s.AppProps) => cdk8s.App;

interface Outcome {
  /** Content by path below the output folder. */
  readonly files: { [file: string]: string };
  readonly error?: string;
}

const OUTPUT_TYPES = [
  cdk8s.YamlOutputType.FILE_PER_APP,
  cdk8s.YamlOutputType.FILE_PER_CHART,
  cdk8s.YamlOutputType.FILE_PER_RESOURCE,
  cdk8s.YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE,
].map((type) => [cdk8s.YamlOutputType[type], type] as const);

let workspace: string;
beforeAll(() => (workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-app-'))));
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }));

const newFolder = () => fs.mkdtempSync(path.join(workspace, 'out-'));

function readFolder(folder: string): Outcome['files'] {
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => fs.statSync(path.join(folder, file)).isFile());
  return Object.fromEntries(files.sort().map((file) => [file, fs.readFileSync(path.join(folder, file), 'utf8')]));
}

function messageOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function synth(appClass: AppClass, build: Build, props: cdk8s.AppProps = {}): Outcome {
  const outdir = newFolder();
  const app = new appClass({ outdir, ...props });
  build(app);
  const error = messageOf(() => app.synth());
  return { files: readFolder(outdir), error };
}

function expectSameAsStock(build: Build, props?: cdk8s.AppProps): Outcome {
  const ours = synth(App, build, props);
  expect(ours).toEqual(synth(cdk8s.App, build, props));
  return ours;
}

function configMap(scope: Construct, id: string): cdk8s.ApiObject {
  return new cdk8s.ApiObject(scope, id, { apiVersion: 'v1', kind: 'ConfigMap', data: { id } });
}

function chartOf(scope: Construct, id: string, ...objects: string[]): cdk8s.Chart {
  const chart = new cdk8s.Chart(scope, id);
  for (const object of objects) configMap(chart, object);
  return chart;
}

function dataOf(yaml: string): string[] {
  return [...yaml.matchAll(/^ {2}id: (\S+)$/gm)].map(([, id]) => id);
}

function addService(chart: cdk8s.Chart): plus.Deployment {
  const deployment = new plus.Deployment(chart, 'Deployment', {
    containers: [{ image: 'registry.example.com/ranker:1.0.0', portNumber: 8080 }],
  });
  deployment.exposeViaService();
  new plus.HorizontalPodAutoscaler(chart, 'Autoscaler', {
    target: deployment,
    maxReplicas: 10,
    metrics: [plus.Metric.resourceCpu(plus.MetricTarget.averageUtilization(70))],
  });
  return deployment;
}

const TREES: { [name: string]: Build } = {
  'no charts': () => {},
  'charts without dependencies': (app) => {
    for (const id of ['feeds', 'ranker', '10', '9']) addService(new cdk8s.Chart(app, id, { namespace: 'ml', labels: { team: id } }));
    new cdk8s.Chart(app, 'empty');
  },
  'dependencies between objects': (app) => {
    const chart = chartOf(app, 'ranker', 'a', 'b', 'c', 'd');
    const [a, b, c, d] = chart.apiObjects;
    a.addDependency(d, c);
    c.addDependency(b);
  },
  'dependencies across charts': (app) => {
    const [first, second, third] = ['first', 'second', 'third'].map((id) => chartOf(app, id, 'a', 'b'));
    first.apiObjects[0].addDependency(third.apiObjects[1]);
    third.addDependency(second);
  },
  'nested charts': (app) => {
    const outer = chartOf(app, 'outer', 'a');
    chartOf(chartOf(outer, 'inner', 'b'), 'innermost', 'c');
    chartOf(new Construct(outer, 'group'), 'grouped', 'd');
    configMap(outer, 'e');
  },
  'dependencies between nested charts': (app) => {
    const outer = chartOf(app, 'outer', 'a', 'b');
    const left = chartOf(outer, 'left', 'c');
    const right = chartOf(outer, 'right', 'd', 'e');
    const grouped = chartOf(new Construct(outer, 'group'), 'grouped', 'f', 'g');
    left.addDependency(right);
    grouped.apiObjects[0].addDependency(outer.apiObjects[1]);
    right.apiObjects[0].addDependency(right.apiObjects[1]);
  },
  'dependencies on groups of constructs': (app) => {
    const base = new cdk8s.Chart(app, 'base');
    const group = new Construct(base, 'group');
    configMap(group, 'a');
    configMap(new Construct(group, 'deeper'), 'b');
    chartOf(group, 'nested', 'c');
    const user = chartOf(app, 'user', 'd', 'e');
    const service = addService(user);
    user.apiObjects[0].addDependency(group);
    service.node.addDependency(new DependencyGroup(base, user.apiObjects[1], user.apiObjects[1]));
  },
  'a diamond': (app) => {
    const [top, left, right, bottom] = ['top', 'left', 'right', 'bottom'].map((id) => chartOf(app, id, 'x', 'y'));
    top.addDependency(left, right);
    left.addDependency(bottom);
    right.apiObjects[1].addDependency(bottom.apiObjects[0]);
  },
  'charts numbered by id': (app) => {
    const [two, , first] = ['2', '10', 'first'].map((id) => chartOf(app, id, 'x'));
    new cdk8s.Chart(app, 'last').addDependency(two);
    two.apiObjects[0].addDependency(first);
  },
  'a dependency on a construct that was replaced': (app) => {
    const chart = chartOf(app, 'ranker', 'a', 'b', 'c');
    chart.apiObjects[0].addDependency(chart.apiObjects[2]);
    chart.node.tryRemoveChild('c');
    configMap(chart, 'c');
  },
  'an object that depends on itself': (app) => {
    const chart = chartOf(app, 'ranker', 'a', 'b');
    chart.apiObjects[0].addDependency(chart.apiObjects[0]);
  },
  'a chart that renders itself differently': (app) => {
    class Reversed extends cdk8s.Chart {
      public toJson() {
        return super.toJson().reverse();
      }
    }
    const chart = new Reversed(app, 'reversed');
    configMap(chart, 'a');
    configMap(chart, 'b');
    chartOf(app, 'plain', 'c').addDependency(chart);
  },
};

describe('the output is byte-identical to cdk8s.App', () => {
  describe.each(OUTPUT_TYPES)('with %s', (_, yamlOutputType) => {
    test.each(Object.entries(TREES))('for %s', (_name, build) => {
      const { error } = expectSameAsStock(build, { yamlOutputType, recordConstructMetadata: true });
      expect(error).toBeUndefined();
    });
  });

  test.each(Object.entries(TREES))('as one YAML text for %s', (_name, build) => {
    const [stock, ours] = [new cdk8s.App(), new App()];
    [stock, ours].forEach(build);
    expect(ours.synthYaml()).toBe(stock.synthYaml());
    expect(ours.charts.map((chart) => chart.node.path)).toEqual(stock.charts.map((chart) => chart.node.path));
  });

  test('for a file extension and resolvers of the user', () => {
    const resolvers: cdk8s.IResolver[] = [{ resolve: (context) => context.value === 'a' && context.replaceValue('late') }];
    const { files } = expectSameAsStock((app) => chartOf(app, 'ranker', 'a'), { outputFileExtension: '.yml', resolvers });
    expect(dataOf(files['ranker.yml'])).toEqual(['late']);
  });

  test('for random trees with random dependencies, also where they form a cycle or a construct is outside of a chart', () => {
    const node = fc.record({
      parent: fc.nat(),
      kind: fc.constantFrom('chart', 'object', 'object', 'group'),
      numbered: fc.boolean(),
    });
    const forward = fc.integer({ min: 0, max: 9 }).map((draw) => draw > 0);
    const dependency = fc.record({ source: fc.nat(), target: fc.nat(), forward, grouped: fc.boolean() });
    const tree = fc.record({
      nodes: fc.array(node, { minLength: 1, maxLength: 16 }),
      dependencies: fc.array(dependency, { maxLength: 6 }),
      yamlOutputType: fc.constantFrom(...OUTPUT_TYPES.map(([, type]) => type)),
    });
    fc.assert(
      fc.property(tree, ({ nodes, dependencies, yamlOutputType }) => {
        const build: Build = (app) => {
          const built: Construct[] = [new cdk8s.Chart(app, 'root')];
          nodes.forEach(({ parent, kind, numbered }, index) => {
            const scope = [app, ...built][parent % (built.length + 1)];
            const id = numbered ? `${nodes.length - index}` : `n${index}`;
            const inChart = scope.node.scopes.some((ancestor) => cdk8s.Chart.isChart(ancestor));
            if (kind === 'chart') built.push(new cdk8s.Chart(scope, id));
            else if (kind === 'object' && inChart) built.push(configMap(scope, id));
            else built.push(new Construct(scope, id));
          });
          for (const { source, target, forward, grouped } of dependencies) {
            const ends = [source % built.length, target % built.length];
            if (ends[0] === ends[1]) continue; // stock drops a construct that depends on itself, or exhausts the stack
            if (forward) ends.sort((a, b) => a - b);
            const [from, to] = ends.map((end) => built[end]);
            from.node.addDependency(grouped ? new DependencyGroup(to) : to);
          }
        };
        expectSameAsStock(build, { yamlOutputType, recordConstructMetadata: true });
        const [stock, ours] = [cdk8s.App, App].map((appClass) => {
          const app = new appClass();
          build(app);
          let yaml: string | undefined;
          return [messageOf(() => (yaml = app.synthYaml())), yaml];
        });
        expect(ours).toEqual(stock);
      }),
      { numRuns: 200 },
    );
  });
});

test('construct-metadata.json names every object with its path, by option or by environment', () => {
  const build: Build = (app) => chartOf(chartOf(app, 'outer', 'a'), 'inner', 'b');
  const { files } = expectSameAsStock(build, { recordConstructMetadata: true });
  const { version, resources } = JSON.parse(files['construct-metadata.json']);
  expect(version).toBe('1.0.0');
  expect(Object.values(resources)).toEqual([{ path: 'outer/inner/b' }, { path: 'outer/a' }]);

  process.env.CDK8S_RECORD_CONSTRUCT_METADATA = 'true';
  try {
    expect(expectSameAsStock(build).files).toEqual(files);
    expect(expectSameAsStock(build, { recordConstructMetadata: false }).files).not.toHaveProperty(['construct-metadata.json']);
  } finally {
    delete process.env.CDK8S_RECORD_CONSTRUCT_METADATA;
  }
  expect(expectSameAsStock(build).files).not.toHaveProperty(['construct-metadata.json']);
});

test('the output folder defaults to CDK8S_OUTDIR, else to dist, and is created', () => {
  expect(new App().outdir).toBe('dist');
  process.env.CDK8S_OUTDIR = path.join(newFolder(), 'deep', 'out');
  try {
    const app = new App();
    chartOf(app, 'ranker', 'a');
    app.synth();
    expect(Object.keys(readFolder(process.env.CDK8S_OUTDIR))).toEqual(['ranker.k8s.yaml']);
  } finally {
    delete process.env.CDK8S_OUTDIR;
  }
});

test('files are numbered only if a chart depends on another', () => {
  expect(Object.keys(expectSameAsStock(TREES['dependencies between objects']).files)).toEqual(['ranker.k8s.yaml']);
  expect(Object.keys(expectSameAsStock(TREES['a diamond']).files)).toEqual([
    '0000-bottom.k8s.yaml',
    '0001-left.k8s.yaml',
    '0002-right.k8s.yaml',
    '0003-top.k8s.yaml',
  ]);
});

test('two apps of the same input are byte-identical, and so are two synths of one app', () => {
  for (const build of Object.values(TREES)) {
    const first = synth(App, build);
    expect(synth(App, build)).toEqual(first);
    const outdir = newFolder();
    const app = new App({ outdir });
    build(app);
    app.synth();
    app.synth();
    expect(readFolder(outdir)).toEqual(first.files);
  }
});

test('every validation runs exactly once per synth', () => {
  const runs = new Map<string, number>();
  const app = new App({ outdir: newFolder(), recordConstructMetadata: true });
  TREES['dependencies between nested charts'](app);
  const constructs: IConstruct[] = app.node.findAll();
  for (const { node } of constructs) {
    node.addValidation({
      validate: () => {
        runs.set(node.path, (runs.get(node.path) ?? 0) + 1);
        return [];
      },
    });
  }
  app.synth();
  expect(runs).toEqual(new Map(constructs.map(({ node }) => [node.path, 1])));
  app.synthYaml();
  expect(runs).toEqual(new Map(constructs.map(({ node }) => [node.path, 2])));
});

describe('what stock refuses fails with the same text', () => {
  const refusals: { [name: string]: [Build, string | RegExp] } = {
    'validations, all at once': [
      (app) => {
        const chart = chartOf(app, 'ranker', 'a');
        chart.node.addValidation({ validate: () => ['no owner', 'no price'] });
        chart.apiObjects[0].node.addValidation({ validate: () => ['no data'] });
      },
      'Validation failed with the following errors:\n  [ranker] no owner\n  [ranker] no price\n  [ranker/a] no data',
    ],
    'validations of cdk8s-plus': [
      (app) => {
        const chart = new cdk8s.Chart(app, 'ranker');
        new plus.Ingress(chart, 'Ingress');
        const target = new plus.Deployment(chart, 'Deployment', { replicas: 2, containers: [{ image: 'ranker' }] });
        new plus.HorizontalPodAutoscaler(chart, 'Autoscaler', { target, maxReplicas: 2 });
      },
      /\[ranker\/Ingress\] ingress with no rules or default backend\n {2}\[ranker\/Autoscaler\]/,
    ],
    'a cycle of charts': [
      (app) => {
        const [first, second, third] = ['first', 'second', 'third'].map((id) => chartOf(app, id, 'x'));
        first.addDependency(second);
        second.addDependency(third);
        third.apiObjects[0].addDependency(first.apiObjects[0]);
      },
      'Dependency cycle detected: first => second => third => first',
    ],
    'a cycle of objects': [
      (app) => {
        const [a, b, c] = chartOf(app, 'ranker', 'a', 'b', 'c').apiObjects;
        a.addDependency(b);
        b.addDependency(c);
        c.addDependency(a);
      },
      'Dependency cycle detected: ranker/a => ranker/b => ranker/c => ranker/a',
    ],
    'a cycle of objects where stock loses c and d on a detour to e': [
      (app) => {
        const [a, b, c, d, e] = chartOf(app, 'ranker', 'a', 'b', 'c', 'd', 'e').apiObjects;
        a.addDependency(b);
        b.addDependency(c, e);
        c.addDependency(d);
        d.addDependency(a);
      },
      'Dependency cycle detected: ranker/a => ranker/b => ranker/a',
    ],
    'a cycle of several routes': [
      (app) => {
        const [a, b, c, d] = chartOf(app, 'ranker', 'a', 'b', 'c', 'd').apiObjects;
        a.addDependency(b, c);
        b.addDependency(d);
        c.addDependency(d);
        d.addDependency(a);
      },
      /^Dependency cycle detected: ranker\/a => /,
    ],
    'a nested chart that depends on its parent': [
      (app) => {
        const outer = chartOf(app, 'outer', 'a');
        chartOf(outer, 'inner', 'b').addDependency(outer.apiObjects[0]);
      },
      'Dependency cycle detected: outer => outer/inner => outer',
    ],
    'a dependency outside of every chart': [
      (app) => chartOf(app, 'ranker', 'a').addDependency(new Construct(app, 'stray')),
      'cannot find a parent chart (directly or indirectly)',
    ],
    'an object that cannot be serialized, after the charts before it': [
      (app) => {
        chartOf(app, 'first', 'a');
        const broken = cdk8s.Lazy.any({
          produce: () => {
            throw new Error('no broker');
          },
        });
        new cdk8s.ApiObject(new cdk8s.Chart(app, 'second'), 'b', { apiVersion: 'v1', kind: 'ConfigMap', data: broken });
      },
      /^Failed serializing construct at path 'second\/b' with name 'second-b-[0-9a-f]+': Error: no broker$/,
    ],
  };

  test.each(Object.entries(refusals))('fails for %s', (_name, [build, text]) => {
    for (const [, yamlOutputType] of OUTPUT_TYPES) {
      const { error } = expectSameAsStock(build, { yamlOutputType });
      if (typeof text === 'string') expect(error).toBe(text);
      else expect(error).toMatch(text);
    }
  });

  test('fails first for a validation in synth, and first for a stray dependency in synthYaml', () => {
    const build: Build = (app) => {
      chartOf(app, 'ranker', 'a').addDependency(new Construct(app, 'stray'));
      app.node.addValidation({ validate: () => ['no owner'] });
    };
    expect(expectSameAsStock(build).error).toBe('Validation failed with the following errors:\n  [] no owner');
    for (const appClass of [cdk8s.App, App]) {
      const app = new appClass();
      build(app);
      expect(() => app.synthYaml()).toThrow('cannot find a parent chart');
    }
  });
});

describe('dependencies that stock cannot follow in reasonable time or depth', () => {
  test('layers of objects that all depend on the layer below come out from the bottom', () => {
    const app = new App();
    const chart = new cdk8s.Chart(app, 'ranker');
    const layers = Array.from({ length: 14 }, (_, layer) => new Construct(chart, `layer${layer}`));
    layers.forEach((layer, index) => Array.from({ length: 6 }, (_, column) => configMap(layer, `${index}-${column}`)));
    layers.slice(1).forEach((layer, index) => layers[index].node.addDependency(layer));
    const order = dataOf(app.synthYaml()).map((id) => Number(id.split('-')[0]));
    expect(order).toHaveLength(14 * 6);
    expect(order).toEqual([...order].sort((a, b) => b - a));
  });

  test('fails with a readable text for a cycle of exponentially many routes', () => {
    const app = new App();
    const objects = Array.from({ length: 30 }, (_, layer) => ['l', 'r'].map((side) => `${side}${layer}`));
    const chart = chartOf(app, 'ranker', 'top', ...objects.flat(), 'bottom');
    const layers = [['top'], ...objects, ['bottom']].map((ids) => ids.map((id) => chart.node.findChild(id)));
    layers.slice(1).forEach((layer, index) => layers[index].forEach((above) => above.node.addDependency(...layer)));
    layers[31][0].node.addDependency(layers[0][0]);
    const error = messageOf(() => app.synthYaml());
    expect(error).toMatch(/^Dependency cycle detected: ranker\/top => ranker\/l0 => .* => ranker\/bottom => ranker\/top$/);
    expect(error!.split(' => ')).toHaveLength(33);
  });

  test('fails for an object that depends on itself and that another needs', () => {
    const app = new App();
    const [a, b] = chartOf(app, 'ranker', 'a', 'b').apiObjects;
    a.addDependency(b);
    b.addDependency(b);
    expect(() => app.synthYaml()).toThrow('Dependency cycle detected: ranker/b => ranker/b');
  });

  test('a chain of 20,000 charts does not exhaust the stack', () => {
    const app = new App();
    const charts = Array.from({ length: 20_000 }, (_, index) => new cdk8s.Chart(app, `c${index}`));
    charts.slice(1).forEach((chart, index) => charts[index].addDependency(chart));
    expect(app.charts).toEqual(charts.reverse());
  });
});
