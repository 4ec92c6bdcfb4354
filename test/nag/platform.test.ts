import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { buildPlatform } from '../../bin/platform';

const context = JSON.parse(fs.readFileSync(path.join(__dirname, '../../cdk.json'), 'utf8')).context;

test('the reference platform passes the built-in validation with default rules as errors, cdk-nag, the tag policy and the update guard', () => {
  expect(context['@aws-cdk/core:validateAgainstDefaultRules']).toBe(true);
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-'));
  const app = new App({ outdir, context: { ...context, 'millrace:baseline': path.join(__dirname, '../../baseline') } });
  // The CDK writes down only plugins that found something, so that they ran at all is seen here.
  const nag = new AwsSolutionsChecks(app);
  const ran = jest.spyOn(nag, 'validate');
  Validations.of(app).addPlugins(nag);
  buildPlatform(app);
  app.synth();
  expect(ran.mock.calls[0][0].stackTemplates).toHaveLength(5);
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  const violations = pluginReports.flatMap((report: any) =>
    report.violations.map((violation: any) => `${report.pluginName} ${violation.ruleName}`),
  );
  expect(violations).toEqual([]);
  expect(pluginReports.map((report: any) => report.pluginName)).toContain('CloudFormation Validate');
  const suppressed = pluginReports.flatMap((report: any) => report.suppressedViolations ?? []);
  expect(suppressed.filter((violation: any) => violation.reason.length < 20)).toEqual([]);
});
