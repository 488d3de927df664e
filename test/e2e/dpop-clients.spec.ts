import type { AddressInfo } from 'node:net';
import type { DpopOptions } from 'nestjs-cert-bound-auth';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import {
  type RealAuthorizationServer,
  startRealAuthorizationServer,
} from '../support/real-authorization-server.js';
import { TokenController } from '../support/token-controller.js';
import { API_CLIENT, createWorld, startApi, whenOver } from '../support/world.js';

const CLIENT = { id: 'mobile', secret: 'mobile-secret', scope: 'payments:read' } as const;

const world = await createWorld();

type Fetch = (url: string, options: object) => Promise<Response>;

/** What real clients call the servers with: it trusts the test CA, and keeps what the API answered. */
function recordingFetch(): { readonly fetch: Fetch; readonly answers: Response[] } {
  const dispatcher = new Agent({ connect: { ca: world.ca.cert } });
  whenOver(async () => dispatcher.close());
  const answers: Response[] = [];
  const fetch: Fetch = async (url, options) => {
    const answer = (await undiciFetch(url, { ...options, dispatcher })) as unknown as Response;
    answers.push(answer);
    return answer;
  };
  return { fetch, answers };
}

describe.each(PLATFORMS)('real clients and a real authorization server (oidc-provider) on %s', (platform) => {
  const start = async (
    nonce: NonNullable<DpopOptions['nonce']>,
  ): Promise<{ readonly as: RealAuthorizationServer; readonly url: URL }> => {
    const as = await startRealAuthorizationServer(world, {
      client_secret: API_CLIENT.clientSecret,
      token_endpoint_auth_method: API_CLIENT.method,
    });
    const url: { own?: URL } = {};
    const introspection = { clientAuthentication: API_CLIENT };
    const app = await startApi(world, platform, [{ issuer: as.issuer, introspection }], [TokenController], {
      options: { dpop: { publicUrl: () => url.own?.origin ?? '', nonce } },
    });
    const { port } = (app.getHttpServer() as { address: () => AddressInfo }).address();
    url.own = new URL(`https://localhost:${port}/`);
    return { as, url: url.own };
  };

  test.each(['off', 'required'] as const)(
    'RFC9449-1: the client oauth4webapi gets through, with the nonce option %s',
    async (nonce) => {
      const { as, url } = await start(nonce);
      const { fetch, answers } = recordingFetch();
      const customFetch = { [oauth.customFetch]: fetch as never };
      const issuer = new URL(as.issuer);
      const server = await oauth.processDiscoveryResponse(
        issuer,
        await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...customFetch }),
      );
      const client: oauth.Client = { client_id: CLIENT.id };
      const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
      const request = async (): Promise<oauth.TokenEndpointResponse> =>
        oauth.processClientCredentialsResponse(
          server,
          client,
          await oauth.clientCredentialsGrantRequest(
            server,
            client,
            oauth.ClientSecretBasic(CLIENT.secret),
            { scope: CLIENT.scope },
            { DPoP, ...customFetch },
          ),
        );
      const again = async <T>(attempt: () => Promise<T>): Promise<T> =>
        attempt().catch(async (error: unknown) => {
          if (oauth.isDPoPNonceError(error)) return attempt();
          throw error;
        });
      const { access_token: token, token_type: type } = await again(request);
      expect(type).toBe('dpop');

      answers.length = 0;
      const call = async (): Promise<Response> =>
        oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, { DPoP, ...customFetch });
      for (const _ of [1, 2]) {
        const response = await again(call);
        expect(await response.json()).toMatchObject({ boundBy: ['dpop'], clientId: CLIENT.id });
      }
      expect(answers.map(({ status }) => status)).toEqual(nonce === 'off' ? [200, 200] : [401, 200, 200]);

      const bare = oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, customFetch);
      await expect(bare).rejects.toMatchObject({
        cause: [
          { scheme: 'bearer', parameters: { error: 'invalid_token' } },
          { scheme: 'dpop', parameters: { algs: expect.stringContaining('ES256') as string } },
        ],
      });
    },
  );

  test.each(['off', 'required'] as const)(
    'RFC9449-1: the client openid-client gets through, with the nonce option %s',
    async (nonce) => {
      const { as, url } = await start(nonce);
      const { fetch, answers } = recordingFetch();
      const config = await oidc.discovery(
        new URL(as.issuer),
        CLIENT.id,
        CLIENT.secret,
        oidc.ClientSecretBasic(CLIENT.secret),
        { [oidc.customFetch]: fetch },
      );
      const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
      const { access_token: token } = await oidc.clientCredentialsGrant(
        config,
        { scope: CLIENT.scope },
        { DPoP },
      );

      answers.length = 0;
      for (const _ of [1, 2]) {
        const response = await oidc.fetchProtectedResource(config, token, url, 'GET', undefined, undefined, {
          DPoP,
        });
        expect(await response.json()).toMatchObject({ boundBy: ['dpop'], clientId: CLIENT.id });
      }
      expect(answers.map(({ status }) => status)).toEqual(nonce === 'off' ? [200, 200] : [401, 200, 200]);
    },
  );

  test('RFC9449-7: oauth4webapi and fetch understand the answer to a request without credentials', async () => {
    const { url } = await start('off');
    const { fetch } = recordingFetch();
    const response = await fetch(url.href, {});
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer, DPoP algs="ES256 [\w ]+"$/);
    const request = oauth.protectedResourceRequest('x', 'GET', url, undefined, undefined, {
      [oauth.customFetch]: (async () => fetch(url.href, {})) as never,
    });
    await expect(request).rejects.toMatchObject({
      cause: [
        { scheme: 'bearer', parameters: {} },
        { scheme: 'dpop', parameters: { algs: expect.any(String) as string } },
      ],
    });
  });
});
