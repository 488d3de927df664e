import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { readServeConfig } from '../../../lib/cli/serve-config.js';
import { serve } from '../../../lib/cli/serve.js';
import { folderWith } from '../../cli/support.js';
import { whenOver, type World } from '../../support/world.js';

/** A request that has come to the API behind the proxy. */
export interface UpstreamRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An API that trusts the proxy, and keeps what it is sent. */
export interface Upstream {
  readonly port: number;
  readonly requests: readonly UpstreamRequest[];
}

/** Starts one; it ends with the test. */
export async function startUpstream(): Promise<Upstream> {
  const requests: UpstreamRequest[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      requests.push({ method, url, headers, body });
      response.end('from the API');
    });
  });
  server.on('upgrade', ({ method, url, headers }: IncomingMessage, socket: Duplex) => {
    requests.push({ method, url, headers, body: '' });
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

/** The server that the proxy asks. */
export interface AuthServer {
  readonly port: number;
  /** Its configuration, with this port. */
  readonly file: string;
  stop(): Promise<void>;
}

/**
 * Serves docs/proxies/serve-config.yaml; it ends with the test.
 * @param replace what it says otherwise in this test
 * @throws Error when it does not say what is to be replaced
 */
export async function serveDocument(
  { ca }: World,
  as: TestAuthorizationServer,
  replace: Readonly<Record<string, string>>,
): Promise<AuthServer> {
  const document = await readFile(
    new URL('../../../docs/proxies/serve-config.yaml', import.meta.url),
    'utf8',
  );
  const folder = await folderWith({ 'as-ca.crt': ca.cert });
  const changes = {
    '/etc/ssl/api/as-ca.crt': 'as-ca.crt',
    'https://as.example.com': as.issuer,
    'port: 4180': 'port: 0',
    ...replace,
  };
  const file = join(folder, 'serve-config.yaml');
  const text = Object.entries(changes).reduce(replaceOne, document);
  await writeFile(file, text);
  process.env['INTROSPECTION_SECRET'] = 'api-secret';
  const server = await serve(readServeConfig(file));
  Logger.overrideLogger(false);
  let ended: Promise<void> | undefined;
  const stop = async (): Promise<void> => (ended ??= server.close());
  whenOver(stop);
  const port = Number(new URL(server.address).port);
  await writeFile(file, replaceOne(text, ['port: 0', `port: ${port}`]));
  return { port, file, stop };
}

function replaceOne(text: string, [from, to]: readonly [string, string]): string {
  if (!text.includes(from)) throw new Error(`the document does not say ${from}`);
  return text.replace(from, () => to);
}
