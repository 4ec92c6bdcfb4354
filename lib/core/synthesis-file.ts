import * as fs from 'fs';
import * as path from 'path';
import type { IConstruct } from 'constructs';

const FILES = Symbol.for('millrace.synthesisFiles');
const CDK_APP = Symbol.for('@aws-cdk/core.App');

type Root = IConstruct & { [FILES]?: SynthesisFiles };

/**
 * Documents written beside the templates or manifests of an app. Each lies in a folder, so that `kubectl apply -f` on the output, which
 * takes every JSON and YAML file at its top, does not see it.
 */
export class SynthesisFiles {
  /** The documents of the app in which a construct stands. */
  public static of(scope: IConstruct): SynthesisFiles {
    const root = scope.node.root as Root;
    const known = root[FILES];
    if (known) return known;
    const files = new SynthesisFiles();
    Object.defineProperty(root, FILES, { value: files });
    if (CDK_APP in root) {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- a CDK app has loaded it; core itself loads no framework
      const { attachCustomSynthesis } = require('aws-cdk-lib') as typeof import('aws-cdk-lib');
      // The symbol says that it is an App of the CDK.
      attachCustomSynthesis(root as never, { onSynthesize: (session) => files.write(session.outdir) });
    }
    return files;
  }

  private readonly texts = new Map<string, () => string>();

  private constructor() {}

  /** Adds a document at a path below the output folder, for example `catalog/asyncapi.json`; its text is asked for at synth. */
  public add(file: string, text: () => string): void {
    this.texts.set(file, text);
  }

  /** Writes every document below a folder. */
  public write(folder: string): void {
    for (const [file, text] of [...this.texts].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const target = path.join(folder, file);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, text());
    }
  }
}
