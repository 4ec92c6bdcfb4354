// Bundles the Kafka admin function and its client library into one file, which is committed: a deploy installs nothing, every user has
// the same bytes and so the same asset hash, and a test compares them with a fresh bundle (test/streaming/kafka-admin-bundle.test.ts).
//
//   node scripts/bundle-admin-function.mjs           writes lib/streaming/aws/admin-function/bundle/
//   node scripts/bundle-admin-function.mjs --copy    puts the bundle and the JavaScript sources into dist/, which jsii leaves out
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = path.resolve(import.meta.dirname, '..');
const SOURCE = 'lib/streaming/aws/admin-function';
const KAFKA = 'node_modules/@platformatic/kafka/dist/clients/admin/admin.js';
const WASM = 'node_modules/@platformatic/wasm-utils/dist/bundled.js';

/** The files of the bundle by their name: the code, and the licences of what went into it. */
export async function bundleFiles() {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`${SOURCE}/index.mjs`],
    outfile: 'index.mjs',
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    // The admin client alone: the producer, the consumer and the schema registries would come along with the package's index. And the
    // WebAssembly module inside of the file, not beside it.
    alias: { '@platformatic/kafka': `./${KAFKA}`, '@platformatic/wasm-utils': `./${WASM}` },
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
  const folder = path.join(ROOT, SOURCE, 'bundle');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(await bundleFiles())) fs.writeFileSync(path.join(folder, name), text);
}

function copy() {
  const target = path.join(ROOT, 'dist', SOURCE);
  fs.cpSync(path.join(ROOT, SOURCE, 'bundle'), path.join(target, 'bundle'), { recursive: true });
  for (const name of fs.readdirSync(path.join(ROOT, SOURCE)).filter((entry) => entry.endsWith('.mjs'))) {
    fs.copyFileSync(path.join(ROOT, SOURCE, name), path.join(target, name));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--copy')) copy();
  else await write();
}
