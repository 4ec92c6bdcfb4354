/** A line is `<where> <id> <what> <construct path>`; a path may hold spaces, the rest does not. */
const LINE = /^(\S+ \S+ \S+) (.*)$/;

/** Construct paths that stay while the id under them changes. */
export function idChanges(locked: readonly string[], now: readonly string[]): string[] {
  const byPath = new Map(locked.map((line) => LINE.exec(line) ?? ['', line, '']).map(([, id, path]) => [path, id]));
  return now.flatMap((line) => {
    const [, id, path] = LINE.exec(line) ?? ['', line, ''];
    const before = byPath.get(path);
    return before !== undefined && before !== id ? [`${path}: ${before} -> ${id}`] : [];
  });
}

/** What a reviewer must know about a lock file that does not match; undefined when it does. */
export function lockDifference(file: string, locked: readonly string[], now: readonly string[]): string | undefined {
  const removed = locked.filter((line) => !now.includes(line));
  const added = now.filter((line) => !locked.includes(line));
  if (removed.length === 0 && added.length === 0) return undefined;
  return [
    `${file} does not match the reference platform`,
    ...removed.map((line) => `  - ${line}`),
    ...added.map((line) => `  + ${line}`),
    'An id that changes replaces its resource: the deployment makes a new, empty one and deletes or abandons the old one.',
    ...idChanges(locked, now).map((change) => `  ${change}`),
    'Keep the construct id, or review the change and write the lock again with UPDATE_LOCK=1.',
  ].join('\n');
}
