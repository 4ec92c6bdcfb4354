import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { buildManifests } from '../../bin/manifests';
import { build as topicToPrediction } from '../../examples/topic-to-prediction';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { checkBeyondSchema } from './beyond-schema';
import { ClosedSchemas, sharedDirectory } from './closed-schemas';

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;
const skipped = schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-platform-'));

function platform(): string {
  const outdir = path.join(folder, 'platform');
  const app = new App({ outdir });
  buildManifests(app);
  app.synth();
  return outdir;
}

function example(): string {
  topicToPrediction(path.join(folder, 'example'));
  return path.join(folder, 'example/cdk8s.out');
}

describe.each([
  ['the reference platform', platform],
  ['the example from a topic to a prediction', example],
])('the manifests of %s', (_what, build) => {
  const { objects } = Assembly.fromDirectories({ manifests: build() });
  const manifests = objects.map(({ manifest }) => manifest as any);

  withShared(`are valid for Kubernetes and the operators${skipped}`, () => {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  });

  test('hold together, but for the Deployment that KServe makes', () => {
    expect(checkBeyondSchema(manifests).filter((finding) => !/Deployment [a-z0-9-]+-predictor is not in the set$/.test(finding))).toEqual(
      [],
    );
  });
});
