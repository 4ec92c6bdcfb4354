import * as fs from 'fs';
import * as path from 'path';
import * as cdk8s from 'cdk8s';
import type { IConstruct } from 'constructs';
import { SynthesisFiles } from '../synthesis-file';
import type { UpdateGuard } from '../update-guard';
import { sortTopologically } from './topology';

/** Options of the app: those of `cdk8s.App`, with the same defaults, and ours. */
export interface AppProps extends cdk8s.AppProps {
  /**
   * Compares the written manifests with the baseline and refuses silent loss of data, as it does in a CDK app.
   * @default - `millrace check` does it outside of the synth
   */
  readonly updateGuard?: UpdateGuard;
}

/**
 * A `cdk8s.App` that synthesizes in time linear to its size, to the same bytes and with the same errors.
 *
 * Stock validates the app and resolves its dependencies once more for every chart, which is quadratic in the number of charts and takes
 * half a minute at 2,000. This app does both once, so a validation also runs once per synth.
 */
export class App extends cdk8s.App {
  // cdk8s keeps its own copy of this option private.
  private readonly recordsMetadata: boolean;
  private readonly updateGuard?: UpdateGuard;
  private readonly written = new Set<string>();

  /**
   * Defines an app.
   * @param props Options; all of them have defaults.
   */
  constructor(props: AppProps = {}) {
    super(props);
    this.recordsMetadata = props.recordConstructMetadata ?? process.env.CDK8S_RECORD_CONSTRUCT_METADATA === 'true';
    this.updateGuard = props.updateGuard;
  }

  /**
   * All charts of this app, dependencies first.
   * @throws if the dependencies declared in the app form a cycle
   */
  public get charts(): cdk8s.Chart[] {
    return sortTopologically(this).filter((construct) => cdk8s.Chart.isChart(construct)) as cdk8s.Chart[];
  }

  /**
   * Writes the manifests of all charts to the output directory.
   * @throws if a validation fails or the dependencies form a cycle, before anything is written; if an object cannot be serialized; what the
   * update guard refuses, after everything is written so that it can be looked at
   */
  public synth(): void {
    fs.mkdirSync(this.outdir, { recursive: true });
    this.written.clear();
    validate(this);
    const ordered = resolveDependencies(this);
    const charts = this.charts;
    switch (this.yamlOutputType) {
      case cdk8s.YamlOutputType.FILE_PER_APP:
        if (charts.length > 0) this.save('app', charts.flatMap(manifests));
        break;
      case cdk8s.YamlOutputType.FILE_PER_CHART:
        charts.forEach((chart, index) => this.save(chartName(chart, index, ordered), manifests(chart)));
        break;
      case cdk8s.YamlOutputType.FILE_PER_RESOURCE:
        for (const chart of charts) {
          for (const manifest of manifests(chart)) {
            if (manifest !== undefined) this.save(resourceName(manifest.kind, manifest.metadata.name), [manifest]);
          }
        }
        break;
      case cdk8s.YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE:
        charts.forEach((chart, index) => {
          const folder = chartName(chart, index, ordered);
          const objects = orderedObjects(chart);
          fs.mkdirSync(path.join(this.outdir, folder), { recursive: true });
          for (const object of objects) this.save(path.join(folder, resourceName(object.kind, object.metadata.name)), [object.toJson()]);
        });
        break;
    }
    if (this.recordsMetadata) this.saveMetadata(charts.flatMap(orderedObjects));
    SynthesisFiles.of(this).write(this.outdir);
    this.updateGuard?.checkManifests(this, this.outdir, [...this.written]);
  }

  /**
   * Renders the manifests of all charts as one YAML text.
   * @throws if the dependencies form a cycle, a validation fails or an object cannot be serialized
   */
  public synthYaml(): string {
    resolveDependencies(this);
    validate(this);
    return cdk8s.Yaml.stringify(...this.charts.flatMap(manifests));
  }

  private save(name: string, documents: unknown[]): void {
    const file = name + this.outputFileExtension;
    cdk8s.Yaml.save(path.join(this.outdir, file), documents);
    this.written.add(file);
  }

  private saveMetadata(objects: cdk8s.ApiObject[]): void {
    const resources: { [name: string]: { path: string } } = {};
    for (const object of objects) resources[object.name] = { path: object.node.path };
    fs.writeFileSync(path.join(this.outdir, 'construct-metadata.json'), JSON.stringify({ version: '1.0.0', resources }));
  }
}

/** Stock's text for all errors that the validations of the app report. */
function validate(app: cdk8s.App): void {
  const errors: string[] = [];
  for (const construct of app.node.findAll()) {
    for (const error of construct.node.validate()) errors.push(`[${construct.node.path}] ${error}`);
  }
  if (errors.length > 0) throw new Error(`Validation failed with the following errors:\n  ${errors.join('\n  ')}`);
}

/**
 * Declares what dependencies between constructs mean for charts and for objects, in the order of stock, because that order decides the order
 * of the output. What is declared here implies nothing further, so once is enough. Tells whether a chart depends on another.
 */
function resolveDependencies(app: cdk8s.App): boolean {
  const constructs = app.node.findAll();
  const isChart = (construct: IConstruct) => cdk8s.Chart.isChart(construct);
  let ordered = false;
  for (const parent of constructs.filter(isChart)) {
    for (const child of parent.node.children.filter(isChart)) {
      parent.node.addDependency(child);
      ordered = true;
    }
  }
  for (const { source, target } of dependencies(constructs)) {
    const sourceChart = cdk8s.Chart.of(source);
    const targetChart = cdk8s.Chart.of(target);
    if (sourceChart === targetChart) continue;
    sourceChart.node.addDependency(targetChart);
    ordered = true;
  }
  const objects = new Map<IConstruct, cdk8s.ApiObject[]>();
  const objectsOf = (construct: IConstruct) => {
    let found = objects.get(construct);
    if (!found) objects.set(construct, (found = objectsInSameChart(construct)));
    return found;
  };
  for (const { source, target } of dependencies(constructs)) {
    const sourceObjects = objectsOf(source);
    for (const targetObject of objectsOf(target)) {
      for (const sourceObject of sourceObjects) {
        if (targetObject !== sourceObject) sourceObject.node.addDependency(targetObject);
      }
    }
  }
  return ordered;
}

interface Dependency {
  readonly source: IConstruct;
  readonly target: IConstruct;
}

function dependencies(constructs: IConstruct[]): Dependency[] {
  return constructs.flatMap((source) => source.node.dependencies.map((target) => ({ source, target })));
}

/** The objects below and including a construct that its own chart writes. Stock walks through nested charts to drop what it finds there. */
function objectsInSameChart(construct: IConstruct): cdk8s.ApiObject[] {
  const found: cdk8s.ApiObject[] = [];
  const open = [construct];
  while (open.length > 0) {
    const current = open.pop()!;
    if (cdk8s.ApiObject.isApiObject(current)) found.push(current);
    const children = current.node.children;
    for (let index = children.length - 1; index >= 0; index--) {
      if (!cdk8s.Chart.isChart(children[index])) open.push(children[index]);
    }
  }
  return found;
}

function orderedObjects(chart: cdk8s.Chart): cdk8s.ApiObject[] {
  return sortTopologically(chart).filter(
    (construct): construct is cdk8s.ApiObject => cdk8s.ApiObject.isApiObject(construct) && cdk8s.Chart.of(construct) === chart,
  );
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name?: string };
}

function manifests(chart: cdk8s.Chart): Manifest[] {
  // A chart that renders itself differently is asked, at the price of stock; stock's own `toJson` would prepare the whole app again.
  if (chart.toJson !== cdk8s.Chart.prototype.toJson) return Object.values(chart.toJson());
  return orderedObjects(chart).map((object) => object.toJson());
}

/** The numbers tell `kubectl apply -f` in which order to go, and are there only if order matters. */
function chartName(chart: cdk8s.Chart, index: number, ordered: boolean): string {
  const name = cdk8s.Names.toDnsLabel(chart);
  return ordered ? `${index.toString().padStart(4, '0')}-${name}` : name;
}

function resourceName(kind: string, name?: string): string {
  return `${kind}.${name}`.replace(/[^0-9a-zA-Z-_.]/g, '');
}
