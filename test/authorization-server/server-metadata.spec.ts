import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  oauthMetadataUrl,
  openidConfigurationUrl,
  type ServerMetadata,
  ServerMetadataSource,
} from '../../lib/authorization-server/server-metadata.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { httpOf } from './http-of.js';

const NOW = Date.now();
const RULES = { refreshAfter: 600, maxAge: 600, staleIfError: 0 };

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const sourceOf = (as: TestAuthorizationServer): ServerMetadataSource =>
  new ServerMetadataSource(as.issuer, httpOf(world), RULES, ['jwksUri', 'introspectionEndpoint']);

describe('the places where a server may have its metadata', () => {
  test.each([
    ['https://as.example.com', '', ''],
    ['https://as.example.com/', '', ''],
    ['https://as.example.com/realms/bank', '/realms/bank', '/realms/bank'],
    ['https://as.example.com/realms/bank/', '/realms/bank', '/realms/bank'],
  ])(
    'RFC 8414 §3.1, OpenID Connect Discovery §4.1: the metadata of %s is at its two well-known URLs',
    (issuer, behind, before) => {
      const origin = 'https://as.example.com';
      expect(oauthMetadataUrl(issuer)).toBe(`${origin}/.well-known/oauth-authorization-server${behind}`);
      expect(openidConfigurationUrl(issuer)).toBe(`${origin}${before}/.well-known/openid-configuration`);
    },
  );
});

describe('the metadata of a server', () => {
  test('metadata is asked for once by everyone who needs it together, and then not for ten minutes', async () => {
    const as = await startAuthorizationServer(world);
    const source = sourceOf(as);
    const known = { jwksUri: as.jwksUri, introspectionEndpoint: as.introspectionEndpoint };
    expect(await Promise.all([source.get(), source.get()])).toStrictEqual([known, known]);
    expect(as.requests).toMatchObject([{ method: 'GET', headers: { accept: 'application/json' } }]);
    vi.setSystemTime(NOW + 599_999);
    expect(await source.get()).toStrictEqual(known);
    expect(as.count('metadata')).toBe(1);
    vi.setSystemTime(NOW + 600_000);
    expect(await source.get()).toStrictEqual(known);
    expect(as.count('metadata')).toBe(2);
    vi.setSystemTime(NOW + 700_000);
    expect(await source.get()).toStrictEqual(known);
    expect(as.count('metadata')).toBe(2);
  });

  test('metadata is looked for by RFC 8414 first, then by OpenID Connect Discovery', async () => {
    const as = await startAuthorizationServer(world, { discovery: 'openid', path: '/realms/bank' });
    expect(await sourceOf(as).get()).toMatchObject({ jwksUri: as.jwksUri });
    expect(as.requests.map(({ path }) => path)).toEqual([
      '/.well-known/oauth-authorization-server/realms/bank',
      '/realms/bank/.well-known/openid-configuration',
    ]);
  });

  test('metadata keeps only those members that can be URLs', async () => {
    const as = await startAuthorizationServer(world);
    const publish = (members: object): void =>
      as.behave('metadata', { status: 200, body: JSON.stringify({ issuer: as.issuer, ...members }) });
    publish({
      jwks_uri: 'a',
      introspection_endpoint: 'b',
      mtls_endpoint_aliases: { introspection_endpoint: 'c' },
    });
    expect(await sourceOf(as).get()).toStrictEqual({
      jwksUri: 'a',
      introspectionEndpoint: 'b',
      mtlsIntrospectionEndpoint: 'c',
    });
    for (const members of [
      { jwks_uri: '', introspection_endpoint: 7, mtls_endpoint_aliases: 'c' },
      {
        jwks_uri: null,
        introspection_endpoint: ['b'],
        mtls_endpoint_aliases: { introspection_endpoint: '' },
      },
    ]) {
      publish(members);
      expect(await sourceOf(as).get()).toStrictEqual({});
    }
  });

  test.each([
    ['an error with the right body', 404, (issuer: string) => ({ issuer })],
    ['no object', 200, () => ['x']],
  ])('invariant 3: %s is not metadata, and the log names both places', async (_name, status, body) => {
    const as = await startAuthorizationServer(world);
    const source = sourceOf(as);
    as.behave('metadata', { status, body: JSON.stringify(body(as.issuer)) });
    await expect(source.get()).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail:
        `GET ${oauthMetadataUrl(as.issuer)}: status ${status}, no JSON object; ` +
        `GET ${openidConfigurationUrl(as.issuer)}: status 404, no JSON object`,
    });
    as.behave('metadata', 'normal');
    vi.setSystemTime(NOW + 100);
    expect(await source.get()).toMatchObject({ jwksUri: as.jwksUri });
  });

  test('RFC 8414 §3.3: a document of another issuer is not metadata', async () => {
    const as = await startAuthorizationServer(world);
    as.behave('metadata', { status: 200, body: '{"issuer":"https://other.example.com"}' });
    await expect(sourceOf(as).get()).rejects.toMatchObject({
      detail: expect.stringContaining(
        `GET ${oauthMetadataUrl(as.issuer)}: its issuer is "https://other.example.com", not ${as.issuer}; `,
      ),
    });
  });

  test('invariant 3: a server that is down is an outage, and the log says what was called', async () => {
    const as = await startAuthorizationServer(world);
    await as.stop();
    await expect(sourceOf(as).get()).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_unreachable',
      detail: expect.stringContaining(`GET ${oauthMetadataUrl(as.issuer)}: Error: connect ECONNREFUSED`),
    });
  });
});

describe('a server whose two documents do not say the same', () => {
  type Documents = Readonly<Record<'oauth' | 'openid', object | undefined>>;

  /** Serves these documents, each with the issuer that it says, or else its own. */
  async function startDocuments(documents: Documents): Promise<{ issuer: string; asked: string[] }> {
    const asked: string[] = [];
    const { key, cert } = world.server;
    const server = createServer({ key, cert }, ({ url = '' }, response) => {
      const which = url.endsWith('openid-configuration') ? 'openid' : 'oauth';
      asked.push(which);
      const document = documents[which];
      response.statusCode = document === undefined ? 404 : 200;
      response.end(document === undefined ? '' : JSON.stringify({ issuer, ...document }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    whenOver(async () => server.close());
    const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
    return { issuer, asked };
  }

  const ALL = ['jwksUri', 'introspectionEndpoint'] as const;
  const read = async (
    issuer: string,
    needed: readonly (typeof ALL)[number][] = ALL,
  ): Promise<ServerMetadata> => new ServerMetadataSource(issuer, httpOf(world), RULES, needed).get();

  test.each([
    ['its keys', { introspection_endpoint: 'b' }],
    ['its introspection endpoint', { jwks_uri: 'a' }],
    ['either', {}],
  ])('a server that names %s only in its OpenID document is understood', async (_, oauth) => {
    const { issuer } = await startDocuments({
      oauth,
      openid: { jwks_uri: 'a', introspection_endpoint: 'b' },
    });
    expect(await read(issuer)).toStrictEqual({ jwksUri: 'a', introspectionEndpoint: 'b' });
  });

  test('INV4: the OpenID document replaces nothing of the first one', async () => {
    const openid = { jwks_uri: 'other', introspection_endpoint: 'b' };
    const { issuer } = await startDocuments({ oauth: { jwks_uri: 'a' }, openid });
    expect(await read(issuer)).toStrictEqual({ jwksUri: 'a', introspectionEndpoint: 'b' });
  });

  test('INV4: an OpenID document of another issuer adds nothing', async () => {
    const openid = { issuer: 'https://other.example.com', introspection_endpoint: 'b' };
    const { issuer } = await startDocuments({ oauth: { jwks_uri: 'a' }, openid });
    expect(await read(issuer)).toStrictEqual({ jwksUri: 'a' });
  });

  test('the OpenID document is not asked for where the first one names all that is needed', async () => {
    const { issuer, asked } = await startDocuments({ oauth: { jwks_uri: 'a' }, openid: {} });
    expect(await read(issuer, ['jwksUri'])).toStrictEqual({ jwksUri: 'a' });
    expect(asked).toEqual(['oauth']);
  });

  test('a server without an OpenID document keeps what the first one says', async () => {
    const { issuer, asked } = await startDocuments({ oauth: { jwks_uri: 'a' }, openid: undefined });
    expect(await read(issuer)).toStrictEqual({ jwksUri: 'a' });
    expect(asked).toEqual(['oauth', 'openid']);
  });
});
