import * as fs from 'fs';
import * as path from 'path';
import type { IConstruct } from 'constructs';
import { Assembly, type SynthesizedStack, resourcesOf } from './assembly';
import { MillraceError } from './error';

/** Context key with the folder of the accepted synthesis. */
export const BASELINE_CONTEXT = 'millrace:baseline';
const DEFAULT_DIRECTORY = 'baseline';
const FORMAT = 1;

type FrozenTags = Record<string, Record<string, string>>;

interface BaselineIndex {
  readonly format: number;
  readonly stacks: { id: string; template: string; tags: Record<string, string> }[];
  readonly frozenTags: FrozenTags;
}

function retiredOf(directory: string): string {
  return `${directory}.old`;
}

/** The folder that holds the accepted synthesis: the retired one when a write was interrupted between its two renames. */
function inForce(directory: string): string {
  return !fs.existsSync(directory) && fs.existsSync(retiredOf(directory)) ? retiredOf(directory) : directory;
}

/** The accepted synthesis that a new one is compared with: a folder the user commits. Written only by `millrace check --accept`. */
export class Baseline {
  /** The folder an app uses: context `millrace:baseline`, else `baseline`. */
  public static directoryOf(scope: IConstruct): string {
    return scope.node.tryGetContext(BASELINE_CONTEXT) ?? DEFAULT_DIRECTORY;
  }

  /** Reads a baseline; `undefined` when the folder holds none. */
  public static read(directory: string): Baseline | undefined {
    const folder = inForce(directory);
    const file = path.join(folder, 'baseline.json');
    if (!fs.existsSync(file)) return undefined;
    const index: BaselineIndex = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (index.format !== FORMAT) {
      throw new MillraceError(`baseline ${directory}`, [
        {
          code: 'Millrace.BaselineFormatUnknown',
          subject: 'format',
          received: String(index.format),
          allowed: String(FORMAT),
          fix: 'use the version of millrace that wrote it, or write it again with millrace check --accept',
        },
      ]);
    }
    const stacks: SynthesizedStack[] = index.stacks.map(({ id, template, tags }) => {
      const templateFile = path.join(folder, 'templates', template);
      return { id, templateFile, tags, resources: resourcesOf(JSON.parse(fs.readFileSync(templateFile, 'utf8'))) };
    });
    const { objects } = Assembly.fromDirectories({ manifests: path.join(folder, 'manifests') });
    return new Baseline(new Assembly({ stacks, objects }), index.frozenTags);
  }

  /**
   * Replaces the baseline with an assembly. It is written beside the old one and swapped in, so that an interruption loses neither.
   */
  public static write(
    directory: string,
    assembly: Assembly,
    frozenTags: { [resource: string]: { [key: string]: string } },
    manifests?: string,
  ): void {
    const staging = `${directory}.new`;
    fs.rmSync(staging, { recursive: true, force: true });
    fs.mkdirSync(path.join(staging, 'templates'), { recursive: true });
    const stacks = assembly.stacks.map((stack) => {
      const template = `${stack.id.replace(/\//g, '.')}.template.json`;
      fs.copyFileSync(stack.templateFile, path.join(staging, 'templates', template));
      return { id: stack.id, template, tags: stack.tags };
    });
    if (manifests) {
      for (const file of new Set(assembly.objects.map((object) => object.file))) {
        const target = path.join(staging, 'manifests', file);
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.copyFileSync(path.join(manifests, file), target);
      }
    }
    const index: BaselineIndex = { format: FORMAT, stacks, frozenTags };
    fs.writeFileSync(path.join(staging, 'baseline.json'), JSON.stringify(index, undefined, 2) + '\n');
    const retired = retiredOf(directory);
    if (fs.existsSync(directory)) {
      fs.rmSync(retired, { recursive: true, force: true });
      fs.renameSync(directory, retired);
    }
    fs.renameSync(staging, directory);
    fs.rmSync(retired, { recursive: true, force: true });
  }

  private constructor(
    public readonly assembly: Assembly,
    /** Accepted tags by `<stack id>/<logical id>`, of the types whose tag change replaces the resource. */
    public readonly frozenTags: { [resource: string]: { [key: string]: string } },
  ) {}
}
