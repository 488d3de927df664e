import { Controller, Get, Post } from '@nestjs/common';
import { createServer } from 'node:https';
import { AccessToken, AuthenticationContext, CertBoundAuthModule, Scopes } from 'nestjs-cert-bound-auth';
import { type Configuration, Provider } from 'oidc-provider';
import { describe, expect, test } from 'vitest';
import { freePort } from '../support/grpc.js';
import { newKeyPair } from '../support/key-pair.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { WalkingClient } from '../support/walking-client.js';
import { createWorld, tlsOf, whenOver } from '../support/world.js';

@Controller('payments')
class PaymentsController {
  @Get() @Scopes('payments:read') list(@AccessToken('subject') subject: string): string {
    return `payments of ${subject}`;
  }
  @Post()
  @Scopes('payments:write')
  @AuthenticationContext({ acrValues: ['sca'], maxAge: 300 })
  pay(): string {
    return 'paid';
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('a client that knows nothing but the URL of an API on %s', (platform) => {
  test('RFC9728-5, RFC9728-11, RFC9470-1: it finds its way from 401 to 200, and by a step-up to what needs a stronger login', async () => {
    const issuer = await startProvider();
    const port = await freePort();
    const resource = `https://localhost:${port}/payments`;
    const auth = CertBoundAuthModule.forRoot({
      audience: resource,
      authorizationServers: [{ issuer, tls: { ca: world.ca.cert } }],
      dpop: { publicUrl: `https://localhost:${port}` },
      protectedResource: { resource, scopesSupported: 'enforced' },
    });
    const module = { module: class App {}, imports: [auth], controllers: [PaymentsController] };
    const app = await startApp(platform, module, tlsOf(world), { port });
    whenOver(async () => app.close());
    const client = await WalkingClient.create(world);
    whenOver(async () => client.close());

    const first = await client.call('GET', resource);
    expect(first).toMatchObject({
      status: 401,
      scheme: 'DPoP',
      parameters: {
        scope: 'payments:read',
        resource_metadata: `https://localhost:${port}/.well-known/oauth-protected-resource/payments`,
      },
    });
    await client.authorize(resource, scopeOf(first));
    expect(await client.call('GET', resource)).toBe('payments of alice');

    const second = await client.call('POST', resource);
    expect(second).toMatchObject({
      status: 401,
      scheme: 'DPoP',
      parameters: {
        error: 'insufficient_user_authentication',
        acr_values: 'sca',
        max_age: '300',
        scope: 'payments:write',
      },
    });
    const { acr_values = '', max_age = '' } = parametersOf(second);
    await client.authorize(resource, { ...scopeOf(second), acr_values, max_age, prompt: 'login' });
    expect(await client.call('POST', resource)).toBe('paid');
  });
});

type Answer = Awaited<ReturnType<WalkingClient['call']>>;

function parametersOf(answer: Answer): Readonly<Record<string, string>> {
  return typeof answer === 'string' ? {} : answer.parameters;
}

function scopeOf(answer: Answer): { readonly scope: string } {
  return { scope: parametersOf(answer)['scope'] ?? '' };
}

/** An authorization server whose user, alice, logs in at once, in the way that is asked for. @returns its issuer */
async function startProvider(): Promise<string> {
  const { key, cert } = world.server;
  const port = await freePort();
  const issuer = `https://localhost:${port}`;
  const provider = new Provider(issuer, configuration()) as Provider & Interactive;
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/interaction/')) return next();
    const { prompt, params } = await provider.interactionDetails(context.req, context.res);
    const acr = typeof params['acr_values'] === 'string' ? params['acr_values'] : 'password';
    const grant = new provider.Grant({ accountId: 'alice', clientId: 'walker' });
    grant.addOIDCScope('openid');
    grant.addResourceScope(String(params['resource']), String(params['scope']));
    const result =
      prompt.name === 'login'
        ? { login: { accountId: 'alice', acr } }
        : { consent: { grantId: await grant.save() } };
    return provider.interactionFinished(context.req, context.res, result);
  });
  const server = createServer({ key, cert }, provider.callback() as never);
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  return issuer;
}

/** What its types leave out. */
interface Interactive {
  use(middleware: (context: InteractionContext, next: () => Promise<void>) => Promise<void>): void;
  interactionDetails(
    request: object,
    response: object,
  ): Promise<{
    readonly prompt: { readonly name: string };
    readonly params: Readonly<Record<string, unknown>>;
  }>;
  interactionFinished(request: object, response: object, result: object): Promise<void>;
  readonly Grant: new (of: object) => {
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  };
}

interface InteractionContext {
  readonly path: string;
  readonly req: object;
  readonly res: object;
}

interface IssuedToken {
  readonly sessionUid?: string;
}

interface Session {
  readonly acr?: string;
  authTime(): number;
}

interface IssueContext {
  readonly oidc: {
    readonly provider: { readonly Session: { findByUid(uid: string): Promise<Session | undefined> } };
  };
}

function configuration(): Configuration {
  const { privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });
  return {
    clients: [
      {
        client_id: 'walker',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: ['https://client.example/callback'],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        dpop_bound_access_tokens: true,
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    acrValues: ['password', 'sca'],
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId }),
    }),
    extraTokenClaims: async (context: IssueContext, { sessionUid }: IssuedToken) => {
      const session = await context.oidc.provider.Session.findByUid(sessionUid ?? '');
      return { acr: session?.acr, auth_time: session?.authTime() };
    },
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    cookies: { keys: ['test'] },
    features: {
      dPoP: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          audience: resource,
          scope: 'payments:read payments:write',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  } as unknown as Configuration;
}
