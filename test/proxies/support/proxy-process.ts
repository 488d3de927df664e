import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProxyProgram, proxyEnvironment } from './proxy-programs.js';

const ENDS_WITHIN_MS = 5_000;

/** A process and its workers, all in one group of processes. */
export class ProxyProcess {
  private constructor(
    private readonly leader: ChildProcess,
    private readonly folder: string,
  ) {}

  /** @param folder that it works in, and that the program's log goes to */
  static async spawn(
    { command }: ProxyProgram,
    args: readonly string[],
    folder: string,
  ): Promise<ProxyProcess> {
    const log = openSync(logIn(folder), 'a');
    const leader = spawn(command, args, {
      cwd: folder,
      detached: true,
      env: proxyEnvironment(folder),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await once(leader, 'spawn');
    await writeFile(leaderIn(folder), String(leader.pid));
    return new ProxyProcess(leader, folder);
  }

  get hasEnded(): boolean {
    return this.leader.exitCode !== null || this.leader.signalCode !== null;
  }

  /** What it has printed and logged so far. */
  async log(): Promise<string> {
    return readFile(logIn(this.folder), 'utf8');
  }

  /** Ends it in its own way, and by force what is left then. */
  async end(): Promise<void> {
    if (!this.hasEnded) {
      const ended = once(this.leader, 'exit', { signal: AbortSignal.timeout(ENDS_WITHIN_MS) });
      killGroup(this.leader.pid, 'SIGTERM');
      await ended.catch(() => undefined);
    }
    killGroup(this.leader.pid, 'SIGKILL');
  }
}

/** Ends a proxy that was left behind in its folder. */
export async function endLeftover(folder: string): Promise<void> {
  const pid = await readFile(leaderIn(folder), 'utf8').catch(() => undefined);
  if (pid !== undefined) killGroup(Number(pid), 'SIGKILL');
}

/** Sends a signal to all of a group that are still there. */
function killGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // None is.
  }
}

function logIn(folder: string): string {
  return join(folder, 'log');
}

function leaderIn(folder: string): string {
  return join(folder, 'leader');
}
