import * as fs from 'fs';
import * as path from 'path';
import { refuse } from '../../../lib/core/error';

/**
 * Writes a file whole or not at all: beside it, flushed, then renamed over it. It is synchronous, so that Ctrl-C comes before or after it
 * and never in between. Answers whether anything changed.
 */
export function writeFile(file: string, text: string): boolean {
  let temporary: string | undefined;
  try {
    // A link stays a link: what it points to is replaced.
    const target = fs.existsSync(file) ? fs.realpathSync(file) : file;
    const before = fs.statSync(target, { throwIfNoEntry: false });
    if (before && fs.readFileSync(target, 'utf8') === text) return false;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    temporary = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.tmp`);
    const handle = fs.openSync(temporary, 'wx', before?.mode ?? 0o666);
    try {
      fs.writeFileSync(handle, text);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, target);
    return true;
  } catch (error) {
    if (temporary && (error as NodeJS.ErrnoException).code !== 'EEXIST') fs.rmSync(temporary, { force: true });
    return refuse('millrace usage', {
      code: 'Millrace.FileNotWritten',
      subject: file,
      received: (error as Error).message,
      allowed: 'a file in a folder that can be written to',
      fix: 'correct the path, the permissions or the free space; what was there before is as it was',
    });
  }
}
