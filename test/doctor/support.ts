import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import { once } from 'node:events';
import { createServer as createSocketServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Finding, Look, Report, Seen } from '../../lib/doctor/finding.js';
import { type EndedRun, folderWith, run } from '../cli/support.js';
import { tlsOf, whenOver, type World } from '../support/world.js';

/** What a server answers at a path. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON is made of what is no text. */
  readonly body?: unknown;
}

export type Answering = (request: IncomingMessage, origin: string) => Answer | undefined;

/** Starts an HTTPS server that answers so, and 404 elsewhere; it ends with the test. @returns its origin */
export async function startServer(
  world: World,
  answering: Answering,
  tls: ServerOptions = {},
): Promise<string> {
  let origin = '';
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { status = 200, headers = {}, body = '' } = answering(request, origin) ?? { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = createServer({ ...tlsOf(world), rejectUnauthorized: false, ...tls }, listener);
  origin = `https://localhost:${await portOf(server)}`;
  return origin;
}

/** The same without TLS. */
export async function startPlainServer(answering: Answering): Promise<string> {
  const server = createPlain((request, response) => {
    const { status = 200, headers = {} } = answering(request, '') ?? { status: 404 };
    response.writeHead(status, headers).end();
  });
  return `http://localhost:${await portOf(server)}`;
}

/** Starts a server that answers each chunk with bytes; it ends with the test. @returns its port */
export async function startSocketServer(answer: (received: string) => string): Promise<number> {
  return portOf(
    createSocketServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => socket.write(answer(chunk.toString())));
    }),
  );
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  whenOver(async () => {
    server.close();
    (server as { closeAllConnections?: () => void }).closeAllConnections?.();
  });
  return (server.address() as AddressInfo).port;
}

/** A port at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createSocketServer();
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A run of the command, and what it reports. */
export interface Examined extends EndedRun {
  readonly report: Report;
}

/** Runs the command with these files, which arguments name by `@name`, and reads its JSON. */
export async function doctor(
  files: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<Examined> {
  const folder = await folderWith(files);
  const named = args.map((arg) => (arg.startsWith('@') ? join(folder, arg.slice(1)) : arg));
  const ended = await run('doctor', ...named, '--json');
  return { ...ended, report: ended.out === '' ? NOTHING : (JSON.parse(ended.out) as Report) };
}

const NOTHING: Report = { outcome: 'fine', findings: [] };

/** What was found of one look. */
export function findingsOf({ report }: Examined, look: Look): readonly Finding[] {
  return report.findings.filter((finding) => finding.look === look);
}

/** Every file that a world has. */
export function filesOf({ ca, client1, client2 }: World): Readonly<Record<string, string>> {
  return {
    'ca.pem': ca.cert,
    'client1.pem': client1.cert,
    'client1.key': client1.key,
    'client2.pem': client2.cert,
    'client2.key': client2.key,
  };
}

/** Arguments that give the certificates of both clients. */
export const CLIENTS = [
  '--ca',
  '@ca.pem',
  '--cert',
  '@client1.pem',
  '--key',
  '@client1.key',
  '--other-cert',
  '@client2.pem',
  '--other-key',
  '@client2.key',
];

/** Something broken, and what doctor must say of it. */
export interface Situation {
  readonly broken: string;
  readonly examined: () => Promise<Examined>;
  readonly look: Look;
  /** @default 'problem' */
  readonly result?: Seen['result'];
  readonly found: RegExp;
  readonly remedy: RegExp;
}

/** Fails unless the situation is named, with its remedy, and the exit code says so. */
export async function seenAsExpected(situation: Situation): Promise<Examined> {
  const { examined, look, result = 'problem', found, remedy } = situation;
  const seen = await examined();
  expect(findingsOf(seen, look)).toContainEqual(
    expect.objectContaining({
      result,
      found: expect.stringMatching(found) as string,
      remedy: expect.stringMatching(remedy) as string,
    }),
  );
  expect(seen.err).toBe('');
  expect(seen.code).toBe(seen.report.outcome === 'fine' ? 0 : 1);
  if (result === 'problem') expect(seen.code).toBe(1);
  return seen;
}
