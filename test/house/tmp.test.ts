import * as fs from 'fs';
import { App } from 'aws-cdk-lib';
import { buildPlatform } from '../../bin/platform';
import { buildManifests } from '../../bin/manifests';
import { core } from '../../lib';
test('x', () => {
  const context = JSON.parse(fs.readFileSync('cdk.json','utf8')).context;
  for (const o of ['/tmp/o1','/tmp/o2']) {
    fs.rmSync(o,{recursive:true,force:true});
    const t=Date.now();
    const app = new App({ outdir: o+'/cdk.out', context: {...context, 'millrace:baseline': '/nonexistent'} });
    buildPlatform(app); app.synth();
    const k = new core.k8s.App({outdir: o+'/cdk8s.out'}); buildManifests(k); k.synth();
    console.log(Date.now()-t);
  }
  const a = core.Assembly.fromDirectories({templates:'/tmp/o1/cdk.out', manifests:'/tmp/o1/cdk8s.out'});
  for (const s of a.stacks) for (const r of s.resources) console.log(s.id, r.logicalId, r.type, r.path);
});
