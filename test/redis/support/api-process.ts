import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CertBoundAuthOptions } from 'nestjs-cert-bound-auth';
import type { Platform } from '../../support/platforms.js';
import type { RedisPackage } from '../../support/redis-double.js';
import { whenOver } from '../../support/world.js';

const PROGRAM = fileURLToPath(new URL('../apps/api.mjs', import.meta.url));

/** How an instance is set up: it goes to the process as JSON. */
export interface ApiSettings {
  readonly platform: Platform;
  readonly client: RedisPackage;
  readonly redisPort: number;
  /** Of the commands to Redis, in milliseconds. */
  readonly timeout: number;
  readonly publicUrl: string;
  readonly auth: CertBoundAuthOptions;
  /** How what is revoked is kept in Redis. @default it is not */
  readonly revocations?: { readonly create?: boolean; readonly staleFor?: number };
}

/** An instance of an API in a process of its own. */
export interface ApiProcess {
  readonly pid: number | undefined;
  /** What it listens on; its clients see it elsewhere. */
  readonly url: string;
}

/** Starts one with `GET /payments`, `POST /tickets`, `POST /revocations/:subject` and a gateway at `/chat`; it ends with the test. @throws Error when it ends before it listens */
export async function startApiProcess(settings: ApiSettings): Promise<ApiProcess> {
  const child = fork(PROGRAM, [JSON.stringify(settings)], { execArgv: [] });
  whenOver(async () => end(child));
  const [{ url }] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(refuse)])) as [
    { readonly url: string },
  ];
  return { pid: child.pid, url };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function refuse([code]: readonly unknown[]): never {
  throw new Error(`the API ended before it listened: ${String(code)}`);
}
