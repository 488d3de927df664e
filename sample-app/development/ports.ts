import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { errorCode, Problem } from './problem.js';

/** Where the two servers listen. */
export interface Ports {
  readonly authorizationServer: number;
  readonly api: number;
}

/** The address to listen on: `HOST`. */
export function listeningHost(): string {
  return process.env['HOST'] || '127.0.0.1';
}

/** The name that clients use: `localhost`, unless the servers listen on an address that it does not lead to. */
export function publicHost(host: string): string {
  return ['localhost', '127.0.0.1', '0.0.0.0', '::'].includes(host) ? 'localhost' : host;
}

/** The base URL of a server. */
export function baseUrl(host: string, port: number): string {
  const name = publicHost(host);
  return `https://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** `AS_PORT` and `PORT`, else these. */
export function portsFromEnvironment(otherwise: Ports): Ports {
  const ports = {
    authorizationServer: portSetting('AS_PORT') ?? otherwise.authorizationServer,
    api: portSetting('PORT') ?? otherwise.api,
  };
  if (ports.authorizationServer !== ports.api) return ports;
  throw new Problem(`AS_PORT and PORT are both ${ports.api}. Set one of them to another port.`);
}

function portSetting(name: 'AS_PORT' | 'PORT'): number | undefined {
  const value = process.env[name];
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535) return Number(value);
  throw new Problem(`${name} must be a port from 1 to 65535, not "${value}".`);
}

/** Two ports that nobody listens on. */
export async function freePorts(host: string): Promise<Ports> {
  const servers = await Promise.all([listen(0, host), listen(0, host)]).catch((error: unknown) => {
    throw new Problem(cannotListen(host, error), { cause: error });
  });
  const [authorizationServer, api] = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(close));
  return { authorizationServer: authorizationServer ?? 0, api: api ?? 0 };
}

/** Throws one clear line for each reason why a port can't be listened on. */
export async function assertPortsFree(ports: Ports, host: string): Promise<void> {
  await assertFree(ports.authorizationServer, host, 'authorization server', 'AS_PORT');
  await assertFree(ports.api, host, 'API', 'PORT');
}

async function assertFree(port: number, host: string, server: string, setting: string): Promise<void> {
  try {
    await close(await listen(port, host));
  } catch (error) {
    throw new Problem(describe(error, port, host, server, setting), { cause: error });
  }
}

function describe(error: unknown, port: number, host: string, server: string, setting: string): string {
  const code = errorCode(error);
  if (code === 'EADDRINUSE') return `Port ${port} is in use (${server}). Set ${setting} to another one.`;
  if (code === 'EACCES') {
    return `You may not listen on port ${port} (${server}). Set ${setting} to one above 1023.`;
  }
  return cannotListen(host, error);
}

function cannotListen(host: string, error: unknown): string {
  return `Can't listen on ${host} (${errorCode(error)}). Set HOST to an address of this machine.`;
}

async function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

async function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
