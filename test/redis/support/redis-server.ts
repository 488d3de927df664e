import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { whenOver } from '../../support/world.js';

/** However the tests end, no Redis outlives them. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const server of running) server.kill('SIGKILL');
});

/** A real Redis on a port of 127.0.0.1, without persistence. */
export class RedisServer {
  private server: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: string,
  ) {}

  /** Starts one, which ends with the test. */
  static async start(): Promise<RedisServer> {
    const redis = await RedisServer.prepare();
    await redis.resume();
    return redis;
  }

  /** One that is not started yet. */
  static async prepare(): Promise<RedisServer> {
    const redis = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'redis-')));
    whenOver(async () => {
      await redis.stop();
      await rm(redis.directory, { recursive: true });
    });
    return redis;
  }

  /** Starts it, again on the same port, and empty. */
  async resume(): Promise<void> {
    const settings = { port: this.port, bind: '127.0.0.1', dir: this.directory, save: '', appendonly: 'no' };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const server = spawn('redis-server', args, { stdio: 'ignore' });
    await once(server, 'spawn');
    this.server = server;
    running.add(server.once('exit', () => running.delete(server)));
    await eventually(() => this.answers());
  }

  /** Ends it at once, as in a crash. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  /** Makes it hang: connections stand, and no command is answered. */
  freeze(): void {
    this.server?.kill('SIGSTOP');
  }

  /** Ends {@link freeze}. */
  thaw(): void {
    this.server?.kill('SIGCONT');
  }

  private async answers(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.write('PING\r\n');
      const [reply] = (await once(socket, 'data')) as [Buffer];
      return reply.toString() === '+PONG\r\n';
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
