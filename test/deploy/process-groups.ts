import { type ChildProcess, type SpawnOptions, spawn } from 'child_process';

const running = new Set<ChildProcess>();

/** Starts a program as the leader of a group of its own, so that whatever it starts in turn can be ended with it. */
export function startGroup(command: string, args: string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function endGroups(): void {
  for (const { pid } of running) {
    if (pid === undefined) continue;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The whole group has ended by itself.
    }
  }
}

/** However this process ends, nothing it started outlives it. */
export function endGroupsOnExit(): void {
  process.on('exit', endGroups);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      console.error(`stopped by ${signal}`);
      process.exit(1);
    });
  }
}
