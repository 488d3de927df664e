import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { inject } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { freePort } from './free-port.js';
import { configureProxy, type ProxyOptions } from './proxy-configuration.js';
import { ProxyProcess } from './proxy-process.js';
import { PROXY_PROGRAMS, type ProxyKind } from './proxy-programs.js';

/** A real proxy, which listens on a port of 127.0.0.1 in place of 443. */
export interface RunningProxy {
  readonly port: number;
  /** Its log so far. */
  readonly log: () => Promise<string>;
  /** Ends it and its children. */
  readonly stop: () => Promise<void>;
}

const STARTS_WITHIN_MS = 15_000;

/**
 * Starts one, in a temporary folder of its own.
 * @throws Error with its log when it does not start
 */
export async function startProxy(kind: ProxyKind, options: ProxyOptions): Promise<RunningProxy> {
  const program = PROXY_PROGRAMS[kind];
  const port = await freePort();
  const folder = await mkdtemp(join(inject('proxyFolders'), `${kind}-`));
  const removeFolder = async (): Promise<void> => rm(folder, { recursive: true });
  try {
    const proxy = await ProxyProcess.spawn(
      program,
      await configureProxy(program, folder, port, options),
      folder,
    );
    await untilItIsReady(proxy, kind, port);
    const stop = async (): Promise<void> => proxy.end().then(removeFolder);
    return { port, log: async () => proxy.log(), stop };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

async function untilItIsReady(proxy: ProxyProcess, kind: ProxyKind, port: number): Promise<void> {
  try {
    const { isReady = listens } = PROXY_PROGRAMS[kind];
    await eventually(async () => proxy.hasEnded || isReady(port), STARTS_WITHIN_MS);
    if (proxy.hasEnded) throw new Error('it has ended');
  } catch (cause) {
    await proxy.end();
    throw new Error(`${kind} did not start: ${await proxy.log()}`, { cause });
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
