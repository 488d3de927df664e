import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isTerminal } from './terminal.js';

/** How a child server is started. */
export interface ChildServerOptions {
  /** What messages call it: `API`. */
  readonly name: string;
  /** Its program, beside `start.js`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: OnLine;
}

/** Gets each line that a server prints. */
export type OnLine = (server: string, line: string) => void;

const GRACE = 3000;

/** A server in a process of its own. */
export class ChildServer {
  readonly name: string;
  /** Resolves to how it ended. */
  readonly ended: Promise<string>;
  private readonly process: ChildProcess;

  constructor({ name, program, env, onLine }: ChildServerOptions) {
    this.name = name;
    this.process = fork(fileURLToPath(new URL(`../${program}`, import.meta.url)), {
      // Its output is a pipe; what it looks like is decided by where ours goes.
      env: { ...process.env, ...(isTerminal ? {} : { NO_COLOR: '1' }), ...env },
      execArgv: ['--import', new URL('./end-with-parent.js', import.meta.url).href],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.ended = once(this.process, 'exit').then(([code, signal]) => `${signal ?? `exit code ${code}`}`);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      forwardLines(stream, (line) => onLine(name, line));
    }
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Ends it, by force if it does not end in time. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const force = setTimeout(() => this.process.kill('SIGKILL'), GRACE);
    this.process.kill('SIGTERM');
    await this.ended;
    clearTimeout(force);
  }
}

function forwardLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', onLine);
}
