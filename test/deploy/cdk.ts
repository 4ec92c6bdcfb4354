import { CloudAssembly } from 'aws-cdk-lib/cx-api';
import * as path from 'path';
import { ACCOUNT, REGION, type Moto } from './moto';
import { startGroup } from './process-groups';

const REPOSITORY = path.join(__dirname, '..', '..');
const COMMANDS = path.join(REPOSITORY, 'node_modules', '.bin');
const QUIET = ['--no-color', '--no-notices', '--no-version-reporting', '--ci'];

/** How a run of the command line ended. */
export interface CdkResult {
  readonly code: number | null;
  readonly output: string;
}

/** The real command line, pointed at the emulator and at a folder of its own. */
export class Cdk {
  private readonly cloudAssembly: string;
  private readonly environment: NodeJS.ProcessEnv;

  constructor(folder: string, moto: Moto) {
    this.cloudAssembly = path.join(folder, 'cdk.out');
    this.environment = environmentFor(folder, moto);
  }

  /** Runs a command, for example `['destroy', 'Network', '--force']`. */
  public async run(args: string[]): Promise<CdkResult> {
    const app = ['--app', 'tsx test/deploy/app.ts', '--output', this.cloudAssembly];
    const child = startGroup(path.join(COMMANDS, 'cdk'), [...args, ...app, ...QUIET], {
      cwd: REPOSITORY,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout?.on('data', (data) => (output += data));
    child.stderr?.on('data', (data) => (output += data));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, output }));
    });
  }

  /** What the app synthesized in the latest run. */
  public assembly(): CloudAssembly {
    return new CloudAssembly(this.cloudAssembly);
  }
}

/** Nothing of the caller's AWS and CDK settings: a profile or an endpoint of theirs must not lead a deploy anywhere else. */
function environmentFor(folder: string, moto: Moto): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS|CDK)_|_proxy$/i.test(name));
  return {
    ...Object.fromEntries(inherited),
    // A node that is a version manager's shim reads HOME, which is not the caller's here: the real one goes first.
    PATH: [COMMANDS, path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    HOME: folder,
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_ACCESS_KEY_ID: moto.client.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.client.credentials.secretAccessKey,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    CDK_HOME: path.join(folder, 'cdk-home'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    // The templates are validated by the tests; here it would add over a second to each command.
    CDK_VALIDATION: 'false',
  };
}

/** The environment to bootstrap. */
export const ENVIRONMENT = `aws://${ACCOUNT}/${REGION}`;
