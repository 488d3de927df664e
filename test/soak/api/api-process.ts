import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ApiSettings, Memory, Platform, RevokedSubject } from '../settings.js';

/** A question to the process of the APIs. */
export interface Question {
  readonly id: number;
  readonly name: 'ports' | 'memory' | 'decisions' | 'lines' | 'revoke';
  readonly argument: string;
}

/** Its answer, or why there is none. */
export type Answer =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The process of the APIs. */
export class ApiProcess {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private stopping = false;
  /** Rejects when the process ends before it is told to. */
  readonly died: Promise<never>;

  constructor(settings: ApiSettings) {
    const program = fileURLToPath(new URL('./api.js', import.meta.url));
    this.child = fork(program, [JSON.stringify(settings)], {
      execArgv: ['--expose-gc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    this.child.on('message', (answer: Answer) => this.settle(answer));
    this.died = new Promise((_, reject) => {
      this.child.once('exit', (code, signal) => {
        if (!this.stopping) reject(new Error(`the process of the APIs ended: ${code ?? signal}`));
      });
    });
    // Whoever waits hears of it.
    this.died.catch(() => undefined);
  }

  /** The ports, once both APIs listen. */
  async ports(): Promise<Readonly<Record<Platform, number>>> {
    return (await this.ask('ports')) as Readonly<Record<Platform, number>>;
  }

  /** Memory in use after a collection. */
  async memory(): Promise<Memory> {
    return (await this.ask('memory')) as Memory;
  }

  /** The last decisions on a token. @param digest SHA-256, base64url */
  async decisions(digest: string): Promise<readonly string[]> {
    return (await this.ask('decisions', digest)) as readonly string[];
  }

  /** How many lines were logged, by level. */
  async lines(): Promise<Readonly<Record<string, number>>> {
    return (await this.ask('lines')) as Readonly<Record<string, number>>;
  }

  /** Revokes the tokens of a subject in the API of a platform. Once this has resolved, they must be refused there. */
  async revoke(revoked: RevokedSubject): Promise<void> {
    await this.ask('revoke', JSON.stringify(revoked));
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }

  private async ask(name: Question['name'], argument = ''): Promise<unknown> {
    const id = ++this.asked;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, name, argument } satisfies Question);
    });
    return Promise.race([answer, this.died]);
  }

  private settle(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.value);
  }
}
