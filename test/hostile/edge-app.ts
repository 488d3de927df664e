import { type IncomingMessage, request as ask, type Server, type ServerResponse } from 'node:http';
import { createServer as createEdge } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { buffer, text } from 'node:stream/consumers';
import { ForwardAuthModule, type ForwardAuthOptions } from 'nestjs-cert-bound-auth';
import { serve } from '../../lib/cli/serve.js';
import { logTo } from '../../lib/common/log.js';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';
import { type Platform, startApp } from '../support/platforms.js';
import {
  audienceOf,
  type HostileAnswer,
  type HostileApp,
  type HostileAppOptions,
  serversOf,
  type Way,
} from './hostile-app.js';
import { type HostileKit, PUBLIC_URL, SCOPE } from './hostile-kit.js';

/** Where the backend is asked, by the path of a client's request; a path that is not here is public. */
const POLICIES: readonly (readonly [path: RegExp, policy: string])[] = [
  [/^\/both(?:[?#]|$)/, 'both'],
  [/^\/any(?:[?#]|$)/, 'any'],
  [/^\/public(?:[?#]|$)/, ''],
  [/^/, 'main'],
];

const CERTIFICATE = 'X-Edge-Certificate';
const VERIFIED = 'X-Edge-Verified';
const CONFIRMATION = 'X-Credential-Confirmation';

/**
 * An API behind a proxy that asks the backend about each request: `serve` stands for Express here, the module in an app on
 * Fastify for Fastify. The proxy ends TLS and passes the client's certificate on, as Caddy asks for it. The API answers what it is
 * told by the headers of the backend's answer.
 */
export async function startEdgeApp(
  kit: HostileKit,
  platform: Platform,
  _way: Way,
  options: HostileAppOptions = {},
): Promise<HostileApp> {
  const backend = await startBackend(platform, backendOptions(kit, options));
  const counter = { runs: 0 };
  const { key, cert } = kit.server;
  const tls = { key, cert, ca: kit.ca.cert, requestCert: true, rejectUnauthorized: false };
  const edge = createEdge(tls, (request, response) => {
    answer(request, response, backend.port, counter).catch(() => response.destroy());
  });
  await listen(edge);
  return {
    port: portOf(edge),
    runs: () => counter.runs,
    close: async () => {
      edge.closeAllConnections();
      edge.close();
      await backend.close();
    },
  };
}

function backendOptions(kit: HostileKit, options: HostileAppOptions): ForwardAuthOptions {
  return {
    proxy: 'caddy',
    trustedProxies: ['loopback'],
    audience: audienceOf(options),
    authorizationServers: serversOf(kit, options),
    clientCertificate: {
      from: 'header',
      header: CERTIFICATE,
      format: 'der',
      trust: 'proxy',
      verifyHeader: VERIFIED,
    },
    credentialHeaders: { [CONFIRMATION]: 'cnf' },
    ...(options.realm === undefined ? {} : { realm: options.realm }),
    ...(options.dpop === 'off' ? {} : { dpop: { publicUrl: PUBLIC_URL, ...options.dpop } }),
    policies: {
      main: { scopes: [SCOPE] },
      both: { scopes: ['accounts:read', 'accounts:write'] },
      any: { anyScope: ['accounts:read', 'payments:read'] },
    },
  };
}

const ignore = (): void => undefined;
/** What is refused here is refused thousands of times. */
const SILENT = { error: ignore, warn: ignore, log: ignore, debug: ignore };

interface Backend {
  readonly port: number;
  close(): Promise<unknown>;
}

async function startBackend(platform: Platform, options: ForwardAuthOptions): Promise<Backend> {
  if (platform === 'fastify') {
    class App {}
    const app = await startApp(platform, { module: App, imports: [ForwardAuthModule.forRoot(options)] });
    return { port: portOf(app.getHttpServer() as Server), close: async () => app.close() };
  }
  const running = await serve({
    listen: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    logLevel: 'error',
    forwardAuth: resolveForwardAuth(options),
  });
  logTo(SILENT);
  return { port: Number(new URL(running.address).port), close: async () => running.close() };
}

/** As a proxy does: it asks, and either the API answers, or the client gets what the backend said. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  backend: number,
  counter: { runs: number },
): Promise<void> {
  await buffer(request);
  const { url = '' } = request;
  const [, policy = ''] = POLICIES.find(([path]) => path.test(url)) ?? [];
  const told = policy === '' ? undefined : await askAbout(request, backend, policy);
  if (told !== undefined && told.statusCode !== 200) {
    response.writeHead(told.statusCode ?? 500, [...told.rawHeaders]);
    response.end(await text(told));
    return;
  }
  told?.resume();
  counter.runs += 1;
  response.end(JSON.stringify(answerOf(told)));
}

async function askAbout(request: IncomingMessage, port: number, policy: string): Promise<IncomingMessage> {
  const headers = [...clientsHeaders(request.rawHeaders), ...proxysHeaders(request)];
  return new Promise((resolve, reject) => {
    ask({ port, host: '127.0.0.1', path: `/auth/${policy}`, headers, agent: false }, resolve)
      .once('error', reject)
      .end();
  });
}

/** What a client may not say to the backend in the proxy's place, and what is about its own connection. */
const DROPPED = /^(?:x-edge-.*|x-forwarded-.*|connection|content-length|transfer-encoding|host|expect)$/i;

function clientsHeaders(raw: readonly string[]): readonly string[] {
  return raw.flatMap((name, index) =>
    index % 2 === 0 && !DROPPED.test(name) ? [name, raw[index + 1] ?? ''] : [],
  );
}

function proxysHeaders({ socket, method = '', url = '' }: IncomingMessage): readonly string[] {
  const connection = socket as TLSSocket;
  const certificate = connection.getPeerX509Certificate();
  return [
    'Host',
    'backend',
    'X-Forwarded-Method',
    method,
    'X-Forwarded-Uri',
    url,
    ...(certificate === undefined
      ? []
      : [
          CERTIFICATE,
          certificate.raw.toString('base64'),
          VERIFIED,
          connection.authorized ? 'SUCCESS' : 'FAILED',
        ]),
  ];
}

/** What the API learns from the backend's answer; of a public path it learns nothing. */
function answerOf(told: IncomingMessage | undefined): HostileAnswer {
  const headers = told?.headers ?? {};
  const confirmation = JSON.parse(String(headers[CONFIRMATION.toLowerCase()] ?? '{}')) as object;
  const isBoundTo = { certificate: 'x5t#S256' in confirmation, dpop: 'jkt' in confirmation };
  const thumbprint = headers['x-credential-certificate-thumbprint'];
  return {
    boundBy: Object.entries(isBoundTo).flatMap(([name, is]) => (is ? [name] : [])),
    confirmation: [
      ...(isBoundTo.certificate ? ['certificateThumbprint'] : []),
      ...(isBoundTo.dpop ? ['jwkThumbprint'] : []),
    ],
    certificate: typeof thumbprint === 'string' && thumbprint !== '' ? thumbprint : null,
  };
}

async function listen(server: Server | ReturnType<typeof createEdge>): Promise<void> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
}

function portOf(server: Pick<Server, 'address'>): number {
  return (server.address() as AddressInfo).port;
}
