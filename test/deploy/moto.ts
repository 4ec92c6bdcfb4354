import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { type ChildProcess } from 'child_process';
import * as fs from 'fs';
import { createServer } from 'net';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { startGroup } from './process-groups';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';
export const INSTALL = "moto_server does not run; install it with: pip install 'moto[server]==5.2.1'";
const READY_WITHIN_MS = 30_000;

/** Whether `moto_server` is there and runs. */
export async function isMotoInstalled(): Promise<boolean> {
  const child = startGroup('moto_server', ['--help'], { stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** A fresh emulator on loopback. It ends with this process. */
export class Moto {
  /** Starts one on a free port and waits until it answers. */
  public static async start(folder: string): Promise<Moto> {
    const port = await freePort();
    const log = path.join(folder, 'moto.log');
    const file = fs.openSync(log, 'w');
    const server = startGroup('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: ['ignore', file, file] });
    fs.closeSync(file);
    // localhost, not 127.0.0.1: only then does moto resolve the URL of a template.
    const moto = new Moto(`http://localhost:${port}`, log);
    await moto.ready(server);
    return moto;
  }

  /** Settings that every SDK client needs. */
  public readonly client: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    maxAttempts: 1;
  };

  private constructor(
    public readonly endpoint: string,
    private readonly log: string,
  ) {
    this.client = { endpoint, region: REGION, credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, maxAttempts: 1 };
  }

  /** Those of the types that moto's CloudFormation skips with a line in its log, while the stack says complete. */
  public async skipped(types: string[]): Promise<string[]> {
    const cloudFormation = new CloudFormationClient(this.client);
    for (const type of types) await this.askFor(type, cloudFormation);
    const lines = fs.readFileSync(this.log, 'utf8').split('\n');
    return types.filter((type) => lines.includes(`No Moto CloudFormation support for ${type}`));
  }

  /**
   * Makes moto look a type up without creating anything: an output that asks for an attribute nobody has is refused first. The log group
   * is there for types that claim to have every attribute.
   */
  private async askFor(type: string, cloudFormation: CloudFormationClient): Promise<void> {
    const output = (name: string) => ({ Value: { 'Fn::GetAtt': [name, 'NoSuchAttribute'] } });
    const template = {
      Resources: { Asked: { Type: type }, Witness: { Type: 'AWS::Logs::LogGroup' } },
      Outputs: { Asked: output('Asked'), Witness: output('Witness') },
    };
    const request = new CreateStackCommand({ StackName: 'Question', TemplateBody: JSON.stringify(template) });
    const refused = await cloudFormation.send(request).then(
      () => false,
      () => true,
    );
    if (!refused) throw new Error(`moto created a stack that was meant only to ask for ${type}`);
  }

  private async ready(server: ChildProcess): Promise<void> {
    let failure: Error | undefined;
    server.once('error', (error) => (failure = error));
    for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(100)) {
      if (failure) throw failure;
      if (server.exitCode !== null) throw new Error(`moto_server ended with ${server.exitCode}: ${fs.readFileSync(this.log, 'utf8')}`);
      if (await answers(`${this.endpoint}/moto-api/`)) return;
    }
    throw new Error(`moto_server did not answer within ${READY_WITHIN_MS / 1000} s`);
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port'))));
    });
  });
}
