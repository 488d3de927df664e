import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  oauthMetadataUrl,
  openidConfigurationUrl,
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
  new ServerMetadataSource(as.issuer, httpOf(world), RULES);

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
    const find = async (): Promise<string> => source.find('jwksUri');
    expect(await Promise.all([find(), find()])).toEqual([as.jwksUri, as.jwksUri]);
    expect(await source.find('introspectionEndpoint')).toBe(as.introspectionEndpoint);
    expect(as.requests).toMatchObject([{ method: 'GET', headers: { accept: 'application/json' } }]);
    vi.setSystemTime(NOW + 599_999);
    expect(await find()).toBe(as.jwksUri);
    expect(as.count('metadata')).toBe(1);
    vi.setSystemTime(NOW + 600_000);
    expect(await find()).toBe(as.jwksUri);
    expect(as.count('metadata')).toBe(2);
    vi.setSystemTime(NOW + 700_000);
    expect(await find()).toBe(as.jwksUri);
    expect(as.count('metadata')).toBe(2);
  });

  test('metadata is looked for by RFC 8414 first, then by OpenID Connect Discovery', async () => {
    const as = await startAuthorizationServer(world, { discovery: 'openid', path: '/realms/bank' });
    expect(await sourceOf(as).find('jwksUri')).toBe(as.jwksUri);
    expect(as.requests.map(({ path }) => path)).toEqual([
      '/.well-known/oauth-authorization-server/realms/bank',
      '/realms/bank/.well-known/openid-configuration',
    ]);
  });

  const publishing = async (members: object): Promise<ServerMetadataSource> => {
    const as = await startAuthorizationServer(world);
    as.behave('metadata', { status: 200, body: JSON.stringify({ issuer: as.issuer, ...members }) });
    return sourceOf(as);
  };

  test('RFC8705-5: the first of several members that is there counts', async () => {
    const names = ['mtlsIntrospectionEndpoint', 'introspectionEndpoint'] as const;
    const aliases = { mtls_endpoint_aliases: { introspection_endpoint: 'c' } };
    expect(await (await publishing({ introspection_endpoint: 'b', ...aliases })).find(...names)).toBe('c');
    expect(await (await publishing({ introspection_endpoint: 'b' })).find(...names)).toBe('b');
    expect(
      await (await publishing({ introspection_endpoint: 'b', ...aliases })).find('introspectionEndpoint'),
    ).toBe('b');
  });

  test.each([undefined, null, ''])('a member that is %j is not there', async (value) => {
    const source = await publishing({ jwks_uri: value, mtls_endpoint_aliases: 'c' });
    await expect(source.find('jwksUri')).rejects.toMatchObject({
      detail: expect.stringContaining('no jwksUri'),
    });
  });

  test.each([
    ['an error with the right body', 404, (issuer: string) => ({ issuer })],
    ['no object', 200, () => ['x']],
  ])('invariant 3: %s is not metadata, and the log names both places', async (_name, status, body) => {
    const as = await startAuthorizationServer(world);
    const source = sourceOf(as);
    as.behave('metadata', { status, body: JSON.stringify(body(as.issuer)) });
    await expect(source.find('jwksUri')).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail:
        `GET ${oauthMetadataUrl(as.issuer)}: status ${status}, no JSON object; ` +
        `GET ${openidConfigurationUrl(as.issuer)}: status 404, no JSON object`,
    });
    as.behave('metadata', 'normal');
    vi.setSystemTime(NOW + 100);
    expect(await source.find('jwksUri')).toBe(as.jwksUri);
  });

  test('RFC 8414 §3.3: a document of another issuer is not metadata', async () => {
    const as = await startAuthorizationServer(world);
    as.behave('metadata', { status: 200, body: '{"issuer":"https://other.example.com"}' });
    await expect(sourceOf(as).find('jwksUri')).rejects.toMatchObject({
      detail: expect.stringContaining(
        `GET ${oauthMetadataUrl(as.issuer)}: its issuer is "https://other.example.com", not ${as.issuer}; `,
      ),
    });
  });

  test('invariant 3: a server that is down is an outage, and the log says what was called', async () => {
    const as = await startAuthorizationServer(world);
    await as.stop();
    await expect(sourceOf(as).find('jwksUri')).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_unreachable',
      detail: expect.stringContaining(`GET ${oauthMetadataUrl(as.issuer)}: Error: connect ECONNREFUSED`),
    });
  });
});

describe('a server whose two documents do not say the same', () => {
  /** What the places answer: a document, each with the issuer that it says or else the server's own, or a status. */
  interface Documents {
    oauth: object | number;
    openid: object | number;
  }

  interface DocumentServer {
    readonly source: ServerMetadataSource;
    readonly issuer: string;
    readonly asked: string[];
    /** May be changed. */
    readonly documents: Documents;
  }

  async function start(oauth: Documents['oauth'], openid: Documents['openid']): Promise<DocumentServer> {
    const asked: string[] = [];
    const documents = { oauth, openid };
    const { key, cert } = world.server;
    const server = createServer({ key, cert }, ({ url = '' }, response) => {
      const which = url.endsWith('openid-configuration') ? 'openid' : 'oauth';
      asked.push(which);
      const document = documents[which];
      if (document === 0) response.socket?.destroy();
      else if (typeof document === 'number') response.writeHead(document).end();
      else response.end(JSON.stringify({ issuer, ...document }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    whenOver(async () => server.close());
    const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
    return { source: new ServerMetadataSource(issuer, httpOf(world), RULES), issuer, asked, documents };
  }

  const BOTH = { jwks_uri: 'a', introspection_endpoint: 'b' };

  test.each([
    ['its keys', { introspection_endpoint: 'b' }],
    ['its introspection endpoint', { jwks_uri: 'a' }],
    ['either', {}],
    ['what the first one has null or empty', { jwks_uri: null, introspection_endpoint: '' }],
  ])('a server that names %s only in its OpenID document is understood', async (_, oauth) => {
    const { source, asked } = await start(oauth, BOTH);
    for (let time = 0; time < 2; time += 1) {
      expect(await source.find('jwksUri')).toBe('a');
      expect(await source.find('introspectionEndpoint')).toBe('b');
    }
    expect(asked).toEqual(['oauth', 'openid']);
  });

  test.each(['other', 7, ['b'], {}, false])(
    'INV4: the OpenID document does not replace %j, which the first one says',
    async (value) => {
      const { source, asked } = await start({ introspection_endpoint: value }, BOTH);
      const said = typeof value === 'string' ? value : JSON.stringify(value);
      expect(await source.find('introspectionEndpoint')).toBe(said);
      expect(asked).toEqual(['oauth']);
    },
  );

  test('INV4: the alias for mutual TLS is no other document’s where the first one names the endpoint', async () => {
    const names = ['mtlsIntrospectionEndpoint', 'introspectionEndpoint'] as const;
    const openid = { ...BOTH, mtls_endpoint_aliases: { introspection_endpoint: 'c' } };
    const { source, asked } = await start({ introspection_endpoint: 'own' }, openid);
    expect(await source.find(...names)).toBe('own');
    expect(asked).toEqual(['oauth']);
    expect(await (await start({ jwks_uri: 'a' }, openid)).source.find(...names)).toBe('c');
  });

  test('INV4: an OpenID document of another issuer adds nothing, and the log says why', async () => {
    const openid = { issuer: 'https://other.example.com', ...BOTH };
    const { source, issuer } = await start({ jwks_uri: 'a' }, openid);
    await expect(source.find('introspectionEndpoint')).rejects.toMatchObject({
      reason: 'authorization_server_answer_invalid',
      detail:
        `the metadata of ${issuer} has no introspectionEndpoint (GET ${openidConfigurationUrl(issuer)}: ` +
        `its issuer is "https://other.example.com", not ${issuer}); set it in the options`,
    });
    expect(await source.find('jwksUri')).toBe('a');
  });

  test('INV3: what both documents lack is an outage that names the remedy', async () => {
    const { source, issuer, asked } = await start({}, {});
    for (let time = 0; time < 2; time += 1) {
      await expect(source.find('jwksUri')).rejects.toMatchObject({
        detail: `the metadata of ${issuer} has no jwksUri; set it in the options`,
      });
    }
    expect(asked).toEqual(['oauth', 'openid']);
  });

  test.each([
    ['is not there', 404, 'authorization_server_answer_invalid'],
    ['cannot be had', 503, 'authorization_server_answer_invalid'],
    ['has no answer', 0, 'authorization_server_unreachable'],
  ])(
    'INV3: an OpenID document that %s is missed only for what the first one lacks',
    async (_, openid, reason) => {
      const { source, documents } = await start({ jwks_uri: 'a' }, openid);
      await expect(source.find('introspectionEndpoint')).rejects.toMatchObject({
        refusal: { status: 503 },
        reason,
      });
      expect(await source.find('jwksUri')).toBe('a');
      documents.openid = BOTH;
      expect(await source.find('introspectionEndpoint')).toBe('b');
    },
  );

  test('INV3: what the OpenID document has said serves while it cannot be had, and no longer than its age allows', async () => {
    const { source, documents } = await start({}, BOTH);
    expect(await source.find('jwksUri')).toBe('a');
    documents.openid = 503;
    vi.setSystemTime(NOW + 599_000);
    await expect(source.fetchNow()).rejects.toMatchObject({ reason: 'authorization_server_answer_invalid' });
    expect(await source.find('jwksUri')).toBe('a');
    vi.setSystemTime(NOW + 600_000);
    await expect(source.find('jwksUri')).rejects.toMatchObject({ refusal: { status: 503 } });
  });

  test('the OpenID document is asked for once more only where it is in use', async () => {
    const { source, asked } = await start({ jwks_uri: 'a' }, BOTH);
    await source.find('jwksUri');
    await source.fetchNow();
    expect(asked).toEqual(['oauth', 'oauth']);
    await source.find('introspectionEndpoint');
    await source.fetchNow();
    expect(asked).toEqual(['oauth', 'oauth', 'openid', 'oauth', 'openid']);
  });
});
