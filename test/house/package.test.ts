import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const manifest = JSON.parse(read('package.json'));

/** Files below some folders whose path matches. */
function filesIn(folders: string[], pattern: RegExp): string[] {
  return folders
    .flatMap((folder) => fs.readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
    .filter((file) => pattern.test(file))
    .sort();
}

describe('the package', () => {
  test('is millrace under the Apache licence', () => {
    expect([manifest.name, manifest.license, manifest.stability]).toEqual(['millrace', 'Apache-2.0', 'experimental']);
    expect(read('LICENSE')).toContain('Apache License');
  });

  test('takes the frameworks from its user, cdk8s only when the Kubernetes side is used', () => {
    expect(manifest.peerDependencies).toEqual({
      'aws-cdk-lib': '^2.276.0',
      constructs: '^10.5.1',
      cdk8s: '^2.70.0',
      'cdk8s-plus-27': '^2.9.0',
    });
    // jsii takes no peer that is not jsii itself, so those of the command line stand in the metadata alone.
    expect(manifest.peerDependenciesMeta).toEqual({
      '@aws-sdk/credential-provider-node': { optional: true },
      '@duckdb/node-api': { optional: true },
      '@smithy/signature-v4': { optional: true },
      cdk8s: { optional: true },
      'cdk8s-plus-27': { optional: true },
    });
  });

  test('is developed and tested at exactly the floor of those ranges', () => {
    for (const [name, range] of Object.entries<string>(manifest.peerDependencies)) {
      const floor = range.replace(/^\^/, '');
      expect([name, manifest.devDependencies[name]]).toEqual([name, floor]);
      expect([name, JSON.parse(read(`node_modules/${name}/package.json`)).version]).toEqual([name, floor]);
    }
    expect(manifest.devDependencies['aws-cdk']).toBe('2.1148.1');
  });

  test('pins every development dependency', () => {
    for (const [name, version] of Object.entries(manifest.devDependencies))
      expect(`${name}@${version}`).toMatch(/@\d+\.\d+\.\d+(-r\.\d+)?$/);
  });

  test('bundles every dependency it needs at run time, because jsii users do not install them', () => {
    expect([...manifest.bundledDependencies].sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });

  test('is generated for Python, Java, .NET and Go', () => {
    expect(manifest.jsii.targets).toEqual({
      python: expect.objectContaining({ distName: 'millrace', module: 'millrace' }),
      java: { package: 'io.github.millrace', maven: { groupId: 'io.github.millrace', artifactId: 'millrace' } },
      dotnet: { namespace: 'Millrace', packageId: 'Millrace' },
      go: { moduleName: 'github.com/millrace/millrace-go', packageName: 'millrace' },
    });
  });

  test('exports every folder of lib that has an index, under both ways to look up types', () => {
    const folders = filesIn(['lib'], /(^|\/)index\.ts$/).map((file) => path.posix.dirname(file).replace(/^lib\/?/, ''));
    const entry = (folder: string) => ['./dist/lib', folder, 'index'].filter(Boolean).join('/');
    expect(manifest.exports).toEqual({
      ...Object.fromEntries(
        folders.map((folder) => [folder ? `./${folder}` : '.', { types: `${entry(folder)}.d.ts`, default: `${entry(folder)}.js` }]),
      ),
      './usage/profile.schema.json': './dist/lib/usage/profile.schema.json',
      './package.json': './package.json',
      './.jsii': './.jsii',
    });
    expect(manifest.typesVersions).toEqual({
      '*': Object.fromEntries(folders.filter(Boolean).map((folder) => [folder, [`${entry(folder)}.d.ts`]])),
    });
    expect([manifest.main, manifest.types]).toEqual(['dist/lib/index.js', 'dist/lib/index.d.ts']);
  });

  test('has no compiled file beside a source, where tests would run it instead', () => {
    expect(filesIn(['lib', 'bin', 'test', 'examples'], /\.(js|d\.ts|js\.map)$/)).toEqual([]);
  });
});

describe('the facts about CloudFormation types', () => {
  test('are those of the pinned specification', () => {
    const script = "import('./scripts/generate-spec-facts.mjs').then((module) => console.log(JSON.stringify(module.deriveSpecFacts())))";
    const facts = JSON.parse(execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }));
    // Instance types have sources of their own: scripts/generate-instance-types.mjs.
    expect([...Object.keys(facts), 'lib/workloads/instance-types.generated.json'].sort()).toEqual(filesIn(['lib'], /\.generated\.json$/));
    // Compared as texts without layout, and told by name: a difference of two thousand lines helps nobody.
    const stale = Object.entries(facts).filter(([file, content]) => JSON.stringify(JSON.parse(read(file))) !== JSON.stringify(content));
    expect(stale.map(([file]) => `${file} is stale: run npm run generate:spec`)).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  const CODE = /\bMillrace\.[A-Z]\w+/g;
  const rows = read('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `Millrace.'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
  const documented = rows.map(([code]) => code.replace(/`/g, ''));

  test('explains every code in the sources, and no other', () => {
    const sources = [...filesIn(['lib', 'bin'], /\.ts$/), 'scripts/lazy-rooms.mjs'];
    const used = new Set(sources.flatMap((file) => read(file).match(CODE) ?? []));
    expect({
      undocumented: [...used].filter((code) => !documented.includes(code)),
      unused: documented.filter((code) => !used.has(code)),
    }).toEqual({ undocumented: [], unused: [] });
  });

  test('says for each when it appears and what to do', () => {
    for (const [code, when, fix, ...rest] of rows) {
      expect({ code, when: when?.length > 10, fix: fix?.length > 10, rest }).toEqual({ code, when: true, fix: true, rest: [] });
    }
  });

  test('lists each code once, and in the order of the alphabet within its room', () => {
    expect(new Set(documented).size).toBe(documented.length);
    for (const section of read('docs/errors.md').split(/^## /m)) {
      const codes = section.match(/^\| `Millrace\.\w+/gm) ?? [];
      const lower = codes.map((code) => code.toLowerCase());
      expect(lower).toEqual([...lower].sort());
    }
  });
});
