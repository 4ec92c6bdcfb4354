// Writes one Markdown page per namespace into docs/api from the compiled assembly. Not committed: it follows from the docstrings.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

fs.rmSync('docs/api', { recursive: true, force: true });
fs.mkdirSync('docs/api', { recursive: true });
execFileSync('npx', ['jsii-docgen', '--split-by-submodule', '--output', 'docs/api/API.md'], { stdio: 'inherit' });
