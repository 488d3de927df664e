import { All, Controller, type INestApplication } from '@nestjs/common';
import {
  type AccessDecision,
  CertBoundAuthModule,
  ClientCertificate,
  type ForwardAuthPolicy,
  type PresentedCertificate,
} from 'nestjs-cert-bound-auth';
import { serve, type RunningServer } from '../../lib/cli/serve.js';
import { logTo } from '../../lib/common/log.js';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';
import { type Platform, startApp } from '../support/platforms.js';
import { type Answer, FuzzClient } from './http-client.js';
import type { Observation, SentHeader } from './oracle/observation.js';
import type { Setup, SetupPair } from './setups.js';

/** Which of the two policies is asked. */
export type PolicyName = 'one' | 'other';

/** The claims that each policy tells in a header of its own, beside the usual ones. */
export const CUSTOM: Readonly<Record<PolicyName, Readonly<Record<string, string>>>> = {
  one: { 'X-Credential-Confirmation': 'cnf' },
  other: { 'X-Credential-Extra': 'extra', 'X-Credential-Who': 'sub' },
};

@Controller()
class CertificateController {
  @All(['/', '*']) tell(@ClientCertificate() certificate?: PresentedCertificate): object {
    return { thumbprint: certificate?.thumbprint ?? '' };
  }
}

const ignore = (): void => undefined;
/** What is refused here is refused thousands of times. */
const SILENT = { error: ignore, warn: ignore, log: ignore, debug: ignore };

/** `serve` with two policies, and beside it an app for each of them, with the same options. */
export class EdgeTwin {
  private readonly clients = new Map<string, FuzzClient>();

  private constructor(
    private readonly backend: RunningServer,
    private readonly apps: Readonly<Record<PolicyName, INestApplication>>,
  ) {}

  static async start(platform: Platform, { one, other }: SetupPair): Promise<EdgeTwin> {
    const apps = { one: await startTwin(platform, one), other: await startTwin(platform, other) };
    const backend = await serve({
      listen: { host: '127.0.0.1', port: 0 },
      tls: undefined,
      logLevel: 'error',
      forwardAuth: resolveForwardAuth({
        proxy: 'caddy',
        // Of whom a certificate is believed is for each policy to say.
        trustedProxies: ['loopback'],
        policies: { one: policyOf('one', one), other: policyOf('other', other) },
      }),
    });
    logTo(SILENT);
    return new EdgeTwin(backend, apps);
  }

  /** What the backend says of a request that a proxy has got. */
  async ask(policy: PolicyName, { method, target, headers, address }: Observation): Promise<Answer> {
    const told: readonly SentHeader[] = [
      ...headers,
      ['X-Forwarded-Method', method],
      ['X-Forwarded-Uri', target],
    ];
    const port = Number(new URL(this.backend.address).port);
    return this.clientFor(port, address).send(requestText('GET', `/auth/${policy}`, told));
  }

  /** What the app says of the same request. */
  async call(policy: PolicyName, { method, target, headers, address }: Observation): Promise<Answer> {
    const { port } = (
      this.apps[policy].getHttpServer() as { address: () => { readonly port: number } }
    ).address();
    return this.clientFor(port, address).send(requestText(method, target, headers));
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    await this.backend.close();
    for (const app of Object.values(this.apps)) await app.close();
  }

  private clientFor(port: number, localAddress: string): FuzzClient {
    const key = `${localAddress} ${port}`;
    const client = this.clients.get(key) ?? new FuzzClient({ port, localAddress });
    this.clients.set(key, client);
    return client;
  }
}

/** Whether an event is the backend's, of a token that it knew. */
export function isKnownToBackend({ route, cacheHit }: AccessDecision): boolean {
  return cacheHit && / \/auth\/(?:one|other)$/.test(route);
}

async function startTwin(platform: Platform, { options }: Setup): Promise<INestApplication> {
  class App {}
  return startApp(platform, {
    module: App,
    imports: [CertBoundAuthModule.forRoot(options)],
    controllers: [CertificateController],
  });
}

/** Each has options of DPoP of its own: a proof that one of them has seen is new to the other. */
function policyOf(name: PolicyName, { options }: Setup): ForwardAuthPolicy {
  return { ...(options as ForwardAuthPolicy), credentialHeaders: CUSTOM[name] };
}

function requestText(method: string, target: string, headers: readonly SentHeader[]): string {
  return [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
