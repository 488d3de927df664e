import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve as resolvePath } from 'node:path';
import { PROGRAMS } from '../paths.js';
import type { Answer as Told, Question } from '../processes/child.js';
import type { UsageProtocol } from './usage.js';

/** A program that prints where it listens, as a process of its own whose use of the machine can be asked for. */
export class MeasuredServer {
  private asked = 0;

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    /** From its start until it listens. */
    readonly milliseconds: number,
  ) {}

  /**
   * @param program path of the program, and what follows it
   * @param core that it runs on; `undefined` for any
   */
  static async start(program: readonly string[], core: number | undefined): Promise<MeasuredServer> {
    const usage = resolvePath(PROGRAMS, 'proxy/usage.js');
    const node = [process.execPath, '--import', usage, ...program];
    const [command = '', ...args] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
    const start = performance.now();
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, NODE_ENV: 'production' },
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const [, found] = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
      child.once('exit', () => reject(new Error(`${program.join(' ')} ended: ${said}`)));
    });
    return new MeasuredServer(child, port, performance.now() - start);
  }

  async ask(name: keyof UsageProtocol): Promise<number> {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      const hear = (told: Told): void => {
        if (told.id !== id) return;
        this.child.off('message', hear);
        if ('error' in told) reject(new Error(told.error));
        else resolve(told.value as number);
      };
      this.child.on('message', hear);
      const question: Question = { id, name, argument: undefined };
      this.child.send(question);
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    if (this.child.connected) this.child.disconnect();
    await exit;
  }
}

/** The command, as it is built. */
export function commandLine(): string {
  return resolvePath(join(PROGRAMS, '../cli/main.js'));
}
