import * as fs from 'fs';
import * as path from 'path';
import type { IConstruct } from 'constructs';
import { Assembly, type SynthesizedStack, resourcesOf } from './assembly';
import { MillraceError, refuse, type Violation } from './error';

/** Context key with the folder of the accepted synthesis. */
export const BASELINE_CONTEXT = 'millrace:baseline';
const DEFAULT_DIRECTORY = 'baseline';
const FORMAT = 1;

type FrozenTags = Record<string, Record<string, string>>;

interface BaselineIndex {
  readonly format: number;
  readonly stacks: { id: string; template: string; tags: Record<string, string> }[];
  readonly frozenTags: FrozenTags;
  /** @default - not recorded, by an earlier version */
  readonly manifests?: string[];
}

function retiredOf(directory: string): string {
  return `${directory}.old`;
}

/** The folder that holds the accepted synthesis: the retired one when a write was interrupted between its two renames. */
function inForce(directory: string): string {
  return !fs.existsSync(directory) && fs.existsSync(retiredOf(directory)) ? retiredOf(directory) : directory;
}

function damaged(file: string, received: string): Violation {
  return {
    code: 'Millrace.BaselineDamaged',
    subject: file,
    received,
    allowed: 'every file as millrace check --accept wrote it',
    fix: 'restore the folder from version control; or delete it, and after a review of the synthesis run millrace check --accept',
  };
}

/** Reads a JSON file of a baseline; notes the damage when that cannot be done. */
function readPart<T extends object>(folder: string, file: string, damage: Violation[]): T | undefined {
  const note = (received: string) => void damage.push(damaged(file, received));
  if (!fs.existsSync(path.join(folder, file))) return note('no such file') as undefined;
  try {
    const content = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
    return content !== null && typeof content === 'object' ? content : note('no JSON object');
  } catch {
    return note('a file that is no JSON, perhaps cut off') as undefined;
  }
}

/** A mistaken context key must not cost anybody a folder. */
function refuseForeign(directory: string): void {
  const entries = fs.existsSync(directory) ? fs.readdirSync(directory) : [];
  if (entries.length === 0 || entries.includes('baseline.json')) return;
  refuse(`baseline ${directory}`, {
    code: 'Millrace.BaselineFolderForeign',
    subject: directory,
    received: `a folder that holds ${entries.slice(0, 3).join(', ')} and no baseline.json`,
    allowed: 'a folder of its own: absent, empty or an earlier baseline',
    fix: `correct the context key ${BASELINE_CONTEXT}, or move the files away`,
  });
}

/** The accepted synthesis that a new one is compared with: a folder the user commits. Written only by `millrace check --accept`. */
export class Baseline {
  /** The folder an app uses: context `millrace:baseline`, else `baseline`. */
  public static directoryOf(scope: IConstruct): string {
    return scope.node.tryGetContext(BASELINE_CONTEXT) ?? DEFAULT_DIRECTORY;
  }

  /** Reads a baseline; `undefined` when the folder holds none. */
  public static read(directory: string): Baseline | undefined {
    const folder = inForce(path.resolve(directory));
    if (!fs.existsSync(path.join(folder, 'baseline.json'))) return undefined;
    const damage: Violation[] = [];
    const index = readPart<BaselineIndex>(folder, 'baseline.json', damage);
    if (!index) throw new MillraceError(`baseline ${directory}`, damage);
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
    if (!Array.isArray(index.stacks)) throw new MillraceError(`baseline ${directory}`, [damaged('baseline.json', 'no list of stacks')]);
    const stacks: SynthesizedStack[] = index.stacks.map(({ id, template, tags }) => {
      const file = path.join('templates', template);
      return { id, templateFile: path.join(folder, file), tags, resources: resourcesOf(readPart(folder, file, damage) ?? {}) };
    });
    for (const file of index.manifests ?? []) {
      if (!fs.existsSync(path.join(folder, 'manifests', file))) damage.push(damaged(path.join('manifests', file), 'no such file'));
    }
    if (damage.length > 0) throw new MillraceError(`baseline ${directory}`, damage);
    const { objects } = Assembly.fromDirectories({ manifests: path.join(folder, 'manifests') });
    return new Baseline(new Assembly({ stacks, objects }), index.frozenTags ?? {});
  }

  /**
   * Replaces the baseline with an assembly. It is written beside the old one and swapped in, so that an interruption loses neither.
   *
   * @throws Millrace.BaselineFolderForeign
   */
  public static write(
    directory: string,
    assembly: Assembly,
    frozenTags: { [resource: string]: { [key: string]: string } },
    manifests?: string,
  ): void {
    // With a slash at its end, the folders beside it would be made inside of it.
    const target = path.resolve(directory);
    refuseForeign(target);
    const staging = `${target}.new`;
    fs.rmSync(staging, { recursive: true, force: true });
    fs.mkdirSync(path.join(staging, 'templates'), { recursive: true });
    const stacks = assembly.stacks.map((stack) => {
      const template = `${stack.id.replace(/\//g, '.')}.template.json`;
      fs.copyFileSync(stack.templateFile, path.join(staging, 'templates', template));
      return { id: stack.id, template, tags: stack.tags };
    });
    const files = manifests ? [...new Set(assembly.objects.map((object) => object.file))] : [];
    for (const file of files) {
      const copy = path.join(staging, 'manifests', file);
      fs.mkdirSync(path.dirname(copy), { recursive: true });
      fs.copyFileSync(path.join(manifests!, file), copy);
    }
    const index: BaselineIndex = { format: FORMAT, stacks, frozenTags, manifests: files.map((file) => file.replace(/\\/g, '/')) };
    fs.writeFileSync(path.join(staging, 'baseline.json'), JSON.stringify(index, undefined, 2) + '\n');
    const retired = retiredOf(target);
    if (fs.existsSync(target)) {
      fs.rmSync(retired, { recursive: true, force: true });
      fs.renameSync(target, retired);
    }
    fs.renameSync(staging, target);
    fs.rmSync(retired, { recursive: true, force: true });
  }

  private constructor(
    public readonly assembly: Assembly,
    /** Accepted tags by `<stack id>/<logical id>`, of the types whose tag change replaces the resource. */
    public readonly frozenTags: { [resource: string]: { [key: string]: string } },
  ) {}
}
