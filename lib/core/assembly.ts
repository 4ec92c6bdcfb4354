import * as fs from 'fs';
import * as path from 'path';

/** A CloudFormation resource as it stands in a template. */
export interface SynthesizedResource {
  /** Logical id in its template. */
  readonly logicalId: string;
  /** CloudFormation type, for example `AWS::MSK::Topic`. */
  readonly type: string;
  /** Properties after synthesis. */
  readonly properties: { [name: string]: any };
  /** Metadata of the resource. */
  readonly metadata: { [name: string]: any };
  /** `Retain`, `Delete`, … @default - the CloudFormation default of the type */
  readonly deletionPolicy?: string;
  /** `Retain`, `Delete`, … @default - the CloudFormation default of the type */
  readonly updateReplacePolicy?: string;
  /** Construct path in the app, for messages. @default - logical id */
  readonly path: string;
}

/** One synthesized stack, nested ones included. */
export interface SynthesizedStack {
  /** Artifact id of the stack; a nested one is `<parent>/<logical id of the nested stack resource>`. */
  readonly id: string;
  /** Path of the template file, for messages. */
  readonly templateFile: string;
  /** Tags that CloudFormation applies to the whole stack at deploy; a nested stack gets its parent's. */
  readonly tags: { [key: string]: string };
  /** The resources of the template, in template order. */
  readonly resources: SynthesizedResource[];
}

/** One Kubernetes object of a synthesized cdk8s app. */
export interface SynthesizedObject {
  /** `<kind>.<group>/<namespace>/<name>`: what makes the object itself across two syntheses. */
  readonly id: string;
  /** File the object was read from. */
  readonly file: string;
  /** The whole object. */
  readonly manifest: { [name: string]: any };
}

/** Where two kinds of synthesized output lie. */
export interface AssemblyDirectories {
  /** Folder of the CDK cloud assembly (`cdk.out`). @default - no templates */
  readonly templates?: string;
  /** Folder of the cdk8s manifests (`cdk8s.out`). @default - no manifests */
  readonly manifests?: string;
}

/** What an `Assembly` is made of, for readers of other formats. */
export interface AssemblyContents {
  /** Stacks, nested ones after their parent. */
  readonly stacks: SynthesizedStack[];
  /** Kubernetes objects in file order. */
  readonly objects: SynthesizedObject[];
}

/** A finished synthesis, read from disk: CloudFormation templates with their stack tags, and Kubernetes manifests. */
export class Assembly {
  /** Reads a CDK cloud assembly and a cdk8s output folder. A folder that does not exist counts as empty. */
  public static fromDirectories(directories: AssemblyDirectories): Assembly {
    return new Assembly({
      stacks: directories.templates ? readCloudAssembly(directories.templates) : [],
      objects: directories.manifests ? readManifests(directories.manifests) : [],
    });
  }

  /** Stacks, nested ones after their parent. */
  public readonly stacks: SynthesizedStack[];
  /** Kubernetes objects in file order. */
  public readonly objects: SynthesizedObject[];

  constructor(contents: AssemblyContents) {
    this.stacks = contents.stacks;
    this.objects = contents.objects;
  }
}

/** The assembly behind the templates that a validation plugin is given: nested stacks added, each template once. */
export function assemblyOf(templates: readonly { readonly templatePath: string }[]): Assembly {
  const folders = [...new Set(templates.map(({ templatePath }) => path.dirname(templatePath)))];
  // The folder of an app also lists those of its stages.
  const stacks = new Map(folders.flatMap((folder) => readCloudAssembly(folder)).map((stack) => [path.resolve(stack.templateFile), stack]));
  return new Assembly({ stacks: [...stacks.values()], objects: [] });
}

/** Turns a template into its resources. */
export function resourcesOf(template: { Resources?: Record<string, any> }, pathOf: Record<string, string> = {}): SynthesizedResource[] {
  return Object.entries(template.Resources ?? {}).map(([logicalId, resource]) => ({
    logicalId,
    type: resource.Type,
    properties: resource.Properties ?? {},
    metadata: resource.Metadata ?? {},
    deletionPolicy: resource.DeletionPolicy,
    updateReplacePolicy: resource.UpdateReplacePolicy,
    path: pathOf[logicalId] ?? resource.Metadata?.['aws:cdk:path'] ?? logicalId,
  }));
}

function readJson(file: string): any {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

function readCloudAssembly(dir: string): SynthesizedStack[] {
  const manifestFile = path.join(dir, 'manifest.json');
  if (!fs.existsSync(manifestFile)) return [];
  const stacks: SynthesizedStack[] = [];
  for (const [id, artifact] of Object.entries<any>(readJson(manifestFile).artifacts ?? {})) {
    if (artifact.type === 'cdk:cloud-assembly') stacks.push(...readCloudAssembly(path.join(dir, artifact.properties.directoryName)));
    if (artifact.type !== 'aws:cloudformation:stack') continue;
    const assets = path.join(dir, `${id}.assets.json`);
    stacks.push(
      ...readStack(dir, id, artifact.properties.templateFile, artifact.properties.tags ?? {}, {
        paths: readPaths(dir, artifact),
        assets: fs.existsSync(assets) ? readJson(assets).files : {},
      }),
    );
  }
  return stacks;
}

/** Construct paths of a stack and its nested stacks: which path a template file stands at, and which path has which logical id. */
interface PathIndex {
  readonly templates: { readonly path: string; readonly file: string }[];
  readonly logicalIds: { readonly path: string; readonly logicalId: string }[];
}

/** The CDK keeps construct paths beside the template: in the manifest, or in a file of its own since schema 45. */
function readPaths(dir: string, artifact: any): PathIndex {
  const extra = artifact.additionalMetadataFile ? path.join(dir, artifact.additionalMetadataFile) : undefined;
  const metadata: Record<string, any[]> = { ...artifact.metadata, ...(extra && fs.existsSync(extra) ? readJson(extra) : {}) };
  const entries = Object.entries(metadata).flatMap(([constructPath, list]) =>
    list.map((entry) => ({ path: constructPath.replace(/^\//, ''), type: entry.type as string, value: String(entry.data) })),
  );
  return {
    templates: entries.filter(({ type }) => type === 'aws:cdk:templateFile').map((entry) => ({ path: entry.path, file: entry.value })),
    logicalIds: entries.filter(({ type }) => type === 'aws:cdk:logicalId').map((entry) => ({ path: entry.path, logicalId: entry.value })),
  };
}

/** Paths by logical id for one template: those below its stack, but not below a stack nested in it. */
function pathsFor(templateFile: string, { templates, logicalIds }: PathIndex): Record<string, string> {
  const owner = (constructPath: string) =>
    templates
      .filter((template) => constructPath.startsWith(`${template.path}/`))
      .reduce<PathIndex['templates'][number] | undefined>((a, b) => (a && a.path.length >= b.path.length ? a : b), undefined);
  const own = logicalIds.filter((entry) => (owner(entry.path)?.file ?? templateFile) === templateFile);
  return Object.fromEntries(own.map((entry) => [entry.logicalId, entry.path]));
}

interface StackIndex {
  readonly paths: PathIndex;
  readonly assets: Record<string, { source?: { path?: string } }>;
}

function readStack(dir: string, id: string, templateFile: string, tags: Record<string, string>, index: StackIndex): SynthesizedStack[] {
  const file = path.join(dir, templateFile);
  const resources = resourcesOf(readJson(file), pathsFor(templateFile, index.paths));
  const nested = resources
    .filter((resource) => resource.type === 'AWS::CloudFormation::Stack')
    .flatMap((resource) => {
      const templateHash = /\/([0-9a-f]{64})\.json/.exec(JSON.stringify(resource.properties.TemplateURL ?? ''))?.[1];
      const nestedFile = templateHash && index.assets[templateHash]?.source?.path;
      // A nested stack whose template is not part of this assembly (a plain URL) is not ours to read.
      return nestedFile ? readStack(dir, `${id}/${resource.logicalId}`, nestedFile, tags, index) : [];
    });
  return [{ id, templateFile: file, tags, resources }, ...nested];
}

/** `<kind>.<group>/<namespace>/<name>` of an object. */
export function objectId(manifest: any): string {
  const group = String(manifest.apiVersion ?? '').includes('/') ? `.${String(manifest.apiVersion).split('/')[0]}` : '';
  return `${manifest.kind}${group}/${manifest.metadata?.namespace ?? ''}/${manifest.metadata?.name ?? ''}`;
}

function readManifests(dir: string): SynthesizedObject[] {
  if (!fs.existsSync(dir)) return [];
  const files = fs
    .readdirSync(dir, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.yaml') || file.endsWith('.yml'))
    .sort();
  if (files.length === 0) return [];
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- read only when there are manifests
  const { parseAllDocuments } = require('yaml') as typeof import('yaml');
  return files.flatMap((file) =>
    parseAllDocuments(fs.readFileSync(path.join(dir, file), 'utf8'), { version: '1.1' })
      .map((document) => document.toJSON())
      .filter((manifest) => manifest !== null && typeof manifest === 'object')
      .map((manifest) => ({ id: objectId(manifest), file, manifest })),
  );
}
