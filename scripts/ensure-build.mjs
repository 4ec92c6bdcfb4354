// The import budget and the exports are tested on the compiled package, so tests build it first when a source is newer.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

function newest(dir) {
  let latest = 0;
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(file) : fs.statSync(file).mtimeMs);
  }
  return latest;
}

const stamp = 'dist/lib/index.js';
const sources = Math.max(
  newest('lib'),
  ...['bin/millrace.ts', 'package.json', 'tsconfig.json', 'scripts/lazy-rooms.mjs', 'scripts/bundle-functions.mjs'].map(
    (f) => fs.statSync(f).mtimeMs,
  ),
);
if (!fs.existsSync(stamp) || fs.statSync(stamp).mtimeMs < sources) {
  console.log('dist/ is older than the sources: compiling with jsii');
  fs.rmSync('dist', { recursive: true, force: true });
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
