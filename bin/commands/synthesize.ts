import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { refuse } from '../../lib/core/error';
import { checkOutputFolder } from './output-folder';
import { appOf, readProjectFile } from './project-files';

/** An app that was run, and what it said when it failed. */
export interface SynthesisResult {
  readonly app: string;
  readonly ok: boolean;
  readonly output: string;
}

/** Runs the apps that cdk.json and cdk8s.yaml name, into the given folders, as the two command-line tools would, without any network. */
export function synthesizeApps(folders: { readonly templates: string; readonly manifests: string }): SynthesisResult[] {
  const cdk = readProjectFile('cdk.json', JSON.parse);
  const cdk8s = readProjectFile('cdk8s.yaml', parse);
  const runs: { app: string; outdir: string; environment: Record<string, string> }[] = [];
  if (cdk) {
    const environment = {
      CDK_OUTDIR: path.resolve(folders.templates),
      CDK_CONTEXT_JSON: JSON.stringify({
        'aws:cdk:enable-path-metadata': true,
        'aws:cdk:enable-asset-metadata': true,
        ...cdk.context,
        ...readProjectFile('cdk.context.json', JSON.parse),
      }),
    };
    runs.push({ app: appOf('cdk.json', cdk), outdir: folders.templates, environment });
  }
  if (cdk8s) {
    const environment = { CDK8S_OUTDIR: path.resolve(folders.manifests) };
    runs.push({ app: appOf('cdk8s.yaml', cdk8s), outdir: folders.manifests, environment });
  }
  if (runs.length === 0) {
    refuse('millrace report --synth', {
      code: 'Millrace.NoAppHere',
      subject: process.cwd(),
      received: 'neither cdk.json nor cdk8s.yaml',
      allowed: "a folder with at least one of them, each with an 'app'",
      fix: 'run it in the project folder, or synthesize by hand and leave --synth out',
    });
  }
  // All of them before the first is cleared: a refusal deletes nothing.
  for (const { outdir } of runs) checkOutputFolder(outdir);
  return runs.map(({ app, outdir, environment }) => run(app, outdir, environment));
}

function run(app: string, outdir: string, environment: Record<string, string>): SynthesisResult {
  // A stale file of a removed stack or chart would be reported as if it still existed.
  fs.rmSync(outdir, { recursive: true, force: true });
  const bin = path.resolve('node_modules/.bin');
  const child = spawnSync(app, {
    shell: true,
    encoding: 'utf8',
    env: { ...process.env, ...environment, PATH: `${bin}${path.delimiter}${process.env.PATH}` },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { app, ok: child.status === 0, output: `${child.stdout}${child.stderr}`.trim() };
}
