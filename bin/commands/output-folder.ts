import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { refuse } from '../../lib/core/error';

// What the CDK writes at the top of a cloud assembly; an app that fails half-way leaves some of it without a manifest.
const CDK_OUTPUT =
  /^(asset\.[0-9a-f]{64}.*|bundling-temp-.*|assembly-.*|.*\.(template|assets|metadata)\.json|(manifest|tree|validation-report|policy-validation-report)\.json|cdk\.out|\.cache|(synth|read\..*)\.lock)$/;
const MOST_NAMES = 3;

/** Refuses to clear a folder that holds anything else than the output of an earlier synth. */
export function checkOutputFolder(folder: string): void {
  const foreign = foreignIn(folder);
  if (foreign.length === 0) return;
  const more = foreign.length > MOST_NAMES ? ` and ${foreign.length - MOST_NAMES} more` : '';
  refuse('millrace report --synth', {
    code: 'Millrace.OutputFolderForeign',
    subject: folder,
    received: `a folder with what no synth has written: ${foreign.slice(0, MOST_NAMES).join(', ')}${more}`,
    allowed: 'a folder that is absent, empty, a cloud assembly or the manifests of cdk8s, because it is cleared first',
    fix: 'name a folder of its own with --templates or --manifests; nothing was deleted',
  });
}

function foreignIn(folder: string): string[] {
  const stats = fs.statSync(folder, { throwIfNoEntry: false });
  if (!stats) return [];
  if (!stats.isDirectory()) return [folder];
  const names = fs
    .readdirSync(folder)
    .filter((name) => !isDocuments(path.join(folder, name)))
    .sort();
  // A project holds a folder of the name cdk.out, a cloud assembly a file.
  const isFile = (name: string) => fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.isFile() ?? false;
  if (isFile('manifest.json') && isFile('cdk.out')) return [];
  const foreignToCdk = names.filter((name) => !CDK_OUTPUT.test(name) || (name === 'cdk.out' && !isFile(name)));
  if (foreignToCdk.length === 0) return [];
  return foreignToCdk8s(folder);
}

/** What our constructs write beside a synthesis: the catalogue of streams, the definitions of features and the runbooks. */
const DOCUMENTS: Readonly<Record<string, RegExp>> = {
  catalog: /^asyncapi\.json$/,
  features: /^[a-z0-9_]+\/(entity|view)_\w+\.py$/,
  runbooks: /^[^/]+\.md$/,
};

function isDocuments(folder: string): boolean {
  const names = DOCUMENTS[path.basename(folder)];
  if (!names || !fs.statSync(folder).isDirectory()) return false;
  return filesBelow(folder).every((file) => names.test(file));
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replace(/\\/g, '/'))
    .filter((name) => !fs.statSync(path.join(folder, name)).isDirectory());
}

function foreignToCdk8s(folder: string, below = ''): string[] {
  const entries = fs.readdirSync(path.join(folder, below), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const name = path.join(below, entry.name);
    if (isDocuments(path.join(folder, name))) return [];
    if (entry.isDirectory()) return foreignToCdk8s(folder, name);
    return entry.isFile() && isManifest(path.join(folder, name)) ? [] : [name];
  });
}

/** The extension is cdk8s's own unless it was configured; then the text tells, because cdk8s writes whole objects and no comment. */
function isManifest(file: string): boolean {
  if (path.basename(file) === 'construct-metadata.json' || file.endsWith('.k8s.yaml')) return true;
  if (!file.endsWith('.yaml')) return false;
  const text = fs.readFileSync(file, 'utf8');
  if (/^#/m.test(text)) return false;
  const documents = parseAllDocuments(text, { version: '1.1' });
  return [...documents].every(({ errors, contents }) => {
    // Any YAML may stand here; what it is decides whether it may be cleared.
    const written = errors.length === 0 ? (contents?.toJSON() as any) : undefined;
    return [written?.apiVersion, written?.kind].every((part) => typeof part === 'string') && typeof written.metadata === 'object';
  });
}
