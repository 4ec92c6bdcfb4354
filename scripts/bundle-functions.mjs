// Bundles each Lambda function of the package and its libraries into one file, which is committed: a deploy installs nothing, every user has
// the same bytes and so the same asset hash, and tests compare them with a fresh bundle (test/streaming/kafka-admin-bundle.test.ts,
// test/features/ingestion-bundle.test.ts).
//
//   node scripts/bundle-functions.mjs           writes the bundle/ of each
//   node scripts/bundle-functions.mjs --copy    puts the bundles and the JavaScript sources into dist/, which jsii leaves out
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = path.resolve(import.meta.dirname, '..');
/** The functions by name: where their sources stand, and what stands in for a package whose index would bring too much along. */
const FUNCTIONS = {
  kafkaAdmin: {
    source: 'lib/streaming/aws/admin-function',
    // The admin client alone: the producer, the consumer and the schema registries would come along with the package's index. And the
    // WebAssembly module inside of the file, not beside it.
    alias: {
      '@platformatic/kafka': './node_modules/@platformatic/kafka/dist/clients/admin/admin.js',
      '@platformatic/wasm-utils': './node_modules/@platformatic/wasm-utils/dist/bundled.js',
    },
  },
  featureIngestion: {
    source: 'lib/features/aws/ingestion-function',
    // Types alone: container files and remote calls would come along with the package's index.
    alias: { avsc: './node_modules/avsc/etc/browser/avsc-types.js' },
  },
};

/** The files of the bundle of a function by their name: the code, and the licences of what went into it. */
export async function bundleFiles(name) {
  const { source, alias } = FUNCTIONS[name];
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`${source}/index.mjs`],
    outfile: 'index.mjs',
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    alias,
    // CommonJS packages of the bundle require modules of Node.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    legalComments: 'none',
    logLevel: 'warning',
  });
  return { 'index.mjs': outputFiles[0].text, 'LICENSES.txt': licences(Object.keys(Object.values(metafile.outputs)[0].inputs)) };
}

/** The licence texts of the packages that the inputs come from. */
function licences(inputs) {
  const folders = new Set(inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []));
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(fs.readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'));
      const file = fs.readdirSync(path.join(ROOT, folder)).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
      if (!file) throw new Error(`${folder} has no licence file`);
      const text = fs
        .readFileSync(path.join(ROOT, folder, file), 'utf8')
        .replace(/\r\n/g, '\n')
        .trim();
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

async function write() {
  for (const [name, { source }] of Object.entries(FUNCTIONS)) {
    const folder = path.join(ROOT, source, 'bundle');
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries(await bundleFiles(name))) fs.writeFileSync(path.join(folder, file), text);
  }
}

function copy() {
  for (const { source } of Object.values(FUNCTIONS)) {
    const target = path.join(ROOT, 'dist', source);
    fs.cpSync(path.join(ROOT, source, 'bundle'), path.join(target, 'bundle'), { recursive: true });
    for (const name of fs.readdirSync(path.join(ROOT, source)).filter((entry) => entry.endsWith('.mjs'))) {
      fs.copyFileSync(path.join(ROOT, source, name), path.join(target, name));
    }
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--copy')) copy();
  else await write();
}
