import { MillraceError } from '../../lib/core/error';

/** What a call was refused for: `code subject` of every violation, in the order in which they are reported. */
export function refusalOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof MillraceError) return error.violations.map(({ code, subject }) => `${code} ${subject}`);
    throw error;
  }
  return [];
}

/** The stable code of the error that a call throws; `undefined` when it throws none. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}

/** The codes in the text of a failed synthesis, where the framework has collected the messages. */
export function codesIn(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    return [...new Set(String((error as Error).message).match(/Millrace\.\w+/g) ?? [`no code: ${(error as Error).message}`])];
  }
  return [];
}

/** The codes of every violation that a call was refused for, in the order in which they are reported. */
export function codesOf(work: () => unknown): string[] {
  return refusalOf(work).map((each) => each.split(' ')[0]);
}
