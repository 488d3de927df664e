import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve as resolvePath } from 'node:path';
import { PROGRAMS } from '../paths.js';

/** What a child process can be asked: by name, with one argument, and what it answers. */
export type Protocol = Readonly<Record<string, (argument: never) => unknown>>;

/** A question on its way to a child process. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** What a child process says: the answer, or why there is none. */
export type Answer =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

/** How a child process is started. */
export interface ChildOptions {
  /** Path of the program, from the folder of the compiled ones. */
  readonly program: string;
  /** Given to it as JSON. @default nothing */
  readonly settings?: object;
  /** The core that it runs on. @default any */
  readonly core?: number | undefined;
  /** Options of Node. @default none */
  readonly nodeOptions?: readonly string[];
}

/** A process of the benchmark's, which answers questions. */
export class Child<P extends Protocol> {
  private readonly waiting = new Map<
    number,
    { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }
  >();
  private asked = 0;

  private constructor(
    private readonly process: ChildProcess,
    private readonly name: string,
  ) {
    process.on('message', (answer: Answer) => {
      const waiting = this.waiting.get(answer.id);
      this.waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(`${this.name}: ${answer.error}`));
      else waiting?.resolve(answer.value as never);
    });
    process.once('exit', (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`${name} ended with ${code}`));
      this.waiting.clear();
    });
  }

  /** Starts a process; it takes questions at once. */
  static start<P extends Protocol>({
    program,
    settings = {},
    core,
    nodeOptions = [],
  }: ChildOptions): Child<P> {
    const node = [process.execPath, ...nodeOptions, resolvePath(PROGRAMS, program), JSON.stringify(settings)];
    const [command = '', ...args] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, NODE_ENV: 'production' },
    });
    return new Child<P>(child, program);
  }

  /** Asks, and waits for the answer. @throws Error with the child's message where it fails or ends */
  async ask<K extends keyof P & string>(
    name: K,
    ...[argument]: Parameters<P[K]>
  ): Promise<Awaited<ReturnType<P[K]>>> {
    const id = ++this.asked;
    return new Promise<Awaited<ReturnType<P[K]>>>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      const question: Question = { id, name, argument };
      this.process.send(question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Ends the process, which may still write its profile. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    if (this.process.connected) this.process.disconnect();
    await exit;
  }
}
