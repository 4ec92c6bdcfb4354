import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import type { Json } from './manifest';

/**
 * The custom resource definitions under a folder, found by group and kind. Only text is scanned to find them (0.1 s for 20 MB);
 * a definition is parsed when it is asked for. When two operators ship one kind (Karpenter and its AWS provider) the last path wins.
 */
export class CrdFiles {
  private documents?: Map<string, { file: string; index: number }>;

  constructor(private readonly folder: string) {}

  /** The definition's spec, or undefined when there is none of that group and kind. */
  find(group: string, kind: string): Json | undefined {
    this.documents ??= this.scan();
    const found = this.documents.get(`${group}/${kind}`);
    return found && parse(documentsOf(found.file)[found.index], { logLevel: 'silent', uniqueKeys: false }).spec;
  }

  private scan(): Map<string, { file: string; index: number }> {
    const documents = new Map<string, { file: string; index: number }>();
    for (const file of yamlFiles(this.folder)) {
      documentsOf(file).forEach((text, index) => {
        const name = groupAndKind(text);
        if (name) documents.set(name, { file, index });
      });
    }
    return documents;
  }
}

function yamlFiles(folder: string): string[] {
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()
    .map((file) => path.join(folder, file));
}

function documentsOf(file: string): string[] {
  return fs.readFileSync(file, 'utf8').split(/^---.*$/m);
}

function groupAndKind(definition: string): string | undefined {
  const group = /^ {2}group: "?([^\s"]+)/m.exec(definition)?.[1];
  const kind = /^ {4}kind: "?([^\s"]+)/m.exec(definition)?.[1];
  return group && kind && `${group}/${kind}`;
}
