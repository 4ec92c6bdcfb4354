import * as fs from 'fs';
import { refuse } from '../../lib/core/error';

/** What the command line reads of `cdk.json` or `cdk8s.yaml`. */
export interface ProjectFile {
  readonly app?: unknown;
  readonly context?: Record<string, unknown>;
}

/** Reads a file of the project; `undefined` when there is none. */
export function readProjectFile<T extends object = ProjectFile>(file: string, parse: (text: string) => unknown): T | undefined {
  if (!fs.existsSync(file)) return undefined;
  const content = parsed(file, parse);
  if (content === null || typeof content !== 'object' || Array.isArray(content)) refuseFile(file, 'no object');
  return content as T;
}

function parsed(file: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    return refuseFile(file, (error as Error).message.split('\n')[0]);
  }
}

/** The command that synthesizes the project. */
export function appOf(file: string, { app }: ProjectFile): string {
  return typeof app === 'string' && app.trim() !== '' ? app : refuseFile(file, "no 'app'", "an 'app' with the command that synthesizes");
}

/** Refuses what a file of the project says. */
export function refuseFile(file: string, received: string, allowed = 'a readable file, as its own command-line tool takes it'): never {
  return refuse('millrace', { code: 'Millrace.ProjectFileInvalid', subject: file, received, allowed, fix: `correct ${file}` });
}
