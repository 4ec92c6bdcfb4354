import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

const ROOT = path.resolve(__dirname, '../..');

/** What a script printed as JSON with `report(…)`, and what had been loaded by then. */
export interface Outcome {
  readonly value: any;
  /** Packages of which a file was loaded, sorted, without millrace itself and without those that a package brings along. */
  readonly packages: string[];
  /** `code: message` of the error that ended the script. */
  readonly error?: string;
}

// The hook stands in a file of its own and is required first, so that it works for scripts of either module system.
const PROBE = `
const packages = () => [...new Set(Object.keys(require.cache)
  .map((file) => /[\\\\/]node_modules[\\\\/]((?:@[^\\\\/]+[\\\\/])?[^\\\\/]+)/.exec(file)?.[1])
  .filter((name) => name && name !== 'millrace'))].sort();
globalThis.report = (value) => process.stdout.write(JSON.stringify({ value, packages: packages() }));
process.on('uncaughtException', (error) => {
  process.stdout.write(JSON.stringify({ error: error.code + ': ' + error.message, packages: packages() }));
  process.exitCode = 1;
});
`;

/** A folder in which the compiled package is installed as a user would have it: the files it ships, its bundle, and the given peers. */
export class Sandbox {
  public readonly folder: string;

  constructor(peers: readonly string[]) {
    const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    if (!fs.existsSync(path.join(ROOT, manifest.main))) {
      throw new Error(`${manifest.main} is missing: these tests run on the compiled package; run npm test or npm run build first`);
    }
    this.folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'millrace-installed-'));
    const modules = path.join(this.folder, 'node_modules');
    const installed = path.join(modules, 'millrace');
    // Copied, not linked: Node resolves from a file's real path, and the checkout has every peer.
    for (const file of ['package.json', ...manifest.files]) {
      if (fs.existsSync(path.join(ROOT, file))) fs.cpSync(path.join(ROOT, file), path.join(installed, file), { recursive: true });
    }
    for (const name of manifest.bundledDependencies) link(name, path.join(installed, 'node_modules'));
    for (const name of peers) link(name, modules);
    fs.writeFileSync(path.join(this.folder, 'probe.cjs'), PROBE);
  }

  /** Runs a script that calls `report(value)` once. */
  public run(script: string, type: 'commonjs' | 'module' = 'commonjs'): Outcome {
    const file = path.join(this.folder, type === 'module' ? 'script.mjs' : 'script.cjs');
    fs.writeFileSync(file, script);
    const child = spawnSync(process.execPath, ['--require', './probe.cjs', file], { cwd: this.folder, encoding: 'utf8' });
    if (!child.stdout.startsWith('{')) throw new Error(`the script reported nothing:\n${child.stdout}${child.stderr}`);
    return JSON.parse(child.stdout);
  }

  public dispose(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function link(name: string, modules: string): void {
  fs.mkdirSync(modules, { recursive: true });
  fs.symlinkSync(path.join(ROOT, 'node_modules', name), path.join(modules, name));
}
