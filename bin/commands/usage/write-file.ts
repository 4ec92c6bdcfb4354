import { randomBytes } from 'crypto';
import * as fs from 'fs';
import * as path from 'path';
import { refuse } from '../../../lib/core/error';

/** A file and what shall be in it. */
export interface FileText {
  readonly file: string;
  readonly text: string;
}

interface Staged {
  readonly file: string;
  readonly target: string;
  readonly temporary: string;
}

/**
 * Writes files, each whole or not at all: all of them beside their targets, flushed, and only then renamed. It is synchronous, so that
 * Ctrl-C comes before or after it and never in between. Answers which files changed; those that already hold their text are not touched.
 */
export function writeFiles(entries: readonly FileText[]): string[] {
  const staged: Staged[] = [];
  const replaced: string[] = [];
  let current = '';
  try {
    for (const { file, text } of entries) {
      current = file;
      stage(file, text, staged);
    }
    for (const { file, target, temporary } of staged) {
      current = file;
      fs.renameSync(temporary, target);
      replaced.push(file);
    }
    return replaced;
  } catch (error) {
    for (const { temporary } of staged) fs.rmSync(temporary, { force: true });
    return refuse('millrace usage', {
      code: 'Millrace.FileNotWritten',
      subject: current,
      received: (error as Error).message,
      allowed: 'a file in a folder that can be written to',
      fix:
        'correct the path, the permissions or the free space; ' +
        (replaced.length > 0
          ? `already replaced: ${replaced.join(', ')}; all others are as they were`
          : 'what was there before is as it was'),
    });
  }
}

/** Writes one file; answers whether it changed. */
export function writeFile(file: string, text: string): boolean {
  return writeFiles([{ file, text }]).length > 0;
}

function stage(file: string, text: string, staged: Staged[]): void {
  // A link stays a link: what it points to is replaced.
  const target = fs.existsSync(file) ? fs.realpathSync(file) : file;
  const before = fs.statSync(target, { throwIfNoEntry: false });
  if (before && fs.readFileSync(target, 'utf8') === text) return;
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temporary = path.join(path.dirname(target), `.${path.basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  const handle = fs.openSync(temporary, 'wx', before?.mode ?? 0o666);
  staged.push({ file, target, temporary });
  try {
    fs.writeFileSync(handle, text);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}
