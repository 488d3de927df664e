import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { createWorld } from '../support/world.js';
import { folderWith, run } from './support.js';

const DOCUMENTS = new URL('../../docs/proxies/', import.meta.url);
const FILES = {
  nginx: 'forward-auth-nginx.conf',
  caddy: 'forward-auth-caddy.Caddyfile',
  traefik: 'forward-auth-traefik.yml',
  envoy: 'forward-auth-envoy.yaml',
} as const;
type Proxy = keyof typeof FILES;
const PROXIES = Object.keys(FILES) as readonly Proxy[];

/** Prints the configuration for docs/proxies/serve-config.yaml. @param replace what that says otherwise */
async function print(
  proxy: Proxy,
  replace: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const { ca } = await createWorld();
  const document = readFileSync(new URL('serve-config.yaml', DOCUMENTS), 'utf8');
  const changes = { 'proxy: nginx': `proxy: ${proxy}`, '/etc/ssl/api/as-ca.crt': 'as-ca.crt', ...replace };
  const text = Object.entries(changes).reduce((all, [from, to]) => {
    expect(all).toContain(from);
    return all.replace(from, () => to);
  }, document);
  const folder = await folderWith({ 'as-ca.crt': ca.cert, 'serve-config.yaml': text });
  process.env['INTROSPECTION_SECRET'] = 'api-secret';
  return run('proxy-config', proxy, join(folder, 'serve-config.yaml'));
}

describe('the command proxy-config', () => {
  // After a change: npx vitest run test/cli/proxy-config.spec.ts -u
  test.each(PROXIES)(
    'docs/proxies has what is printed for %s and docs/proxies/serve-config.yaml',
    async (proxy) => {
      const { code, out } = await print(proxy);
      expect(code).toBe(0);
      await expect(`${out}\n`).toMatchFileSnapshot(new URL(FILES[proxy], DOCUMENTS).pathname);
    },
  );

  test.each(PROXIES)('row 43: %s lets no header of an answer through that the client sent', async (proxy) => {
    const { out } = await print(proxy, {
      'X-Credential-Tenant: tenant.id': 'X-Tenant: tenant.id',
      'accounts:\n': 'accounts:\n    phantomToken: { from: introspection, header: X-Token }\n',
      'audience: https://api.example.com':
        'audience: https://api.example.com\n#\ncredentialHeaders: { X-Roles: roles }',
      'introspection:\n': 'introspection:\n      responseFormat: jwt\n      tokens: all\n',
    });
    const written =
      proxy === 'traefik' ? (name: string) => name.replaceAll('-', '[-_]') : (name: string) => name;
    for (const name of ['X-Tenant', 'X-Token', 'X-Roles'])
      expect(out.toLowerCase()).toContain(written(name).toLowerCase());
  });

  test('nginx starts by what is printed however long the name of a header is: no variable has a longer name than it holds', async () => {
    const long = `X-Credential-${'Long-'.repeat(12)}Name`;
    const { out } = await print('nginx', { 'X-Credential-Tenant: tenant.id': `${long}: tenant.id` });
    const variables = [...out.matchAll(/auth_request_set \$(\w+) /g)].map(([, name = '']) => name);
    expect(variables.filter((name) => name.length > 46)).toEqual([]);
    expect(new Set(variables).size).toBe(variables.length);
    expect(out).toMatch(new RegExp(String.raw`proxy_set_header ${long} \$answer_\d+;`));
  });

  test.each(PROXIES)('row 44: %s lets no token through, wherever the client sends it', async (proxy) => {
    const { out } = await print(proxy, {
      'accounts:\n': 'accounts:\n    token: { cookie: session }\n',
      'payments:\n': 'payments:\n    token: { header: X-Api-Token }\n',
    });
    expect(out).toContain(proxy === 'traefik' ? "Cookie: ''" : 'session');
    expect(out.toLowerCase()).toContain('x-api-token');
  });

  test.each(PROXIES)(
    'the cookie of a session goes through %s to the client, and not to the API',
    async (proxy) => {
      const { code, out } = await print(proxy, {
        'audience: https://api.example.com': `audience: https://api.example.com\nsession: { secrets: [${'s'.repeat(32)}] }\n#`,
      });
      expect(code).toBe(0);
      const sets = {
        nginx: 'add_header Set-Cookie $session_cookie always;',
        caddy: '+Set-Cookie {http.request.header.X-Credential-Session-Cookie}',
        traefik: 'addAuthCookiesToResponse: [__Host-session]',
        envoy: '{ exact: set-cookie, ignore_case: true }',
      };
      expect(out).toContain(sets[proxy]);
      expect(out).toContain(proxy === 'traefik' ? "Cookie: ''" : '__Host-session');
      if (proxy === 'envoy') expect(out).toContain('sec-fetch-site');
    },
  );

  test.each(PROXIES)('a file of one policy makes %s ask for it on every path', async (proxy) => {
    const document = readFileSync(new URL('serve-config.yaml', DOCUMENTS), 'utf8');
    const others = document.slice(document.indexOf('  accounts:'));
    const { code, out } = await print(proxy, { [others]: '' });
    expect(code).toBe(0);
    const everything = {
      nginx: 'location / {',
      caddy: 'forward_auth',
      traefik: 'forwardAuth:',
      envoy: 'prefix: /',
    };
    expect(out).toContain(everything[proxy]);
    expect(out).not.toContain('accounts');
  });

  test.each(PROXIES)('row 44: %s takes tokens away from several cookies and parameters', async (proxy) => {
    const { code, out } = await print(proxy, {
      'accounts:\n': 'accounts:\n    token: [{ cookie: one }, { cookie: two }, { unsafeQuery: first }]\n',
      'payments:\n': 'payments:\n    token: [{ cookie: three }, { unsafeQuery: second }]\n',
    });
    expect(code).toBe(0);
    // Traefik takes all cookies away, and can only warn of parameters.
    const cookies = proxy === 'traefik' ? ["Cookie: ''"] : ['one', 'two', 'three'];
    for (const name of [...cookies, 'first', 'second']) expect(out).toContain(name);
  });

  test.each([
    ['0.0.0.0', '127.0.0.1:4180'],
    ['"::"', '[::1]:4180'],
    ['"::1"', '[::1]:4180'],
  ])('serve that listens on %s is asked at %s', async (host, address) => {
    for (const proxy of ['nginx', 'caddy', 'traefik'] as const)
      expect((await print(proxy, { 'host: 127.0.0.1': `host: ${host}` })).out).toContain(address);
  });

  test('row 44: what Traefik cannot take away, its file says', async () => {
    const { out } = await print('traefik', {
      'payments:\n': 'payments:\n    token: { unsafeQuery: token }\n',
    });
    expect(out).toContain(
      '# WARNING: Traefik cannot take a parameter out of the query: the API sees the tokens in token.',
    );
  });

  test.each(PROXIES)(
    'row 44: %s is given no name or address that it could read as more than that',
    async (proxy) => {
      const changes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
        'listen.host': { 'host: 127.0.0.1': `host: "127.0.0.1;\\n  evil"` },
        'token.cookie': { 'payments:\n': 'payments:\n    token: { cookie: "a`b" }\n' },
        'token.unsafeQuery': {
          'payments:\n': 'payments:\n    token: { unsafeQuery: "{http.request.uri}" }\n',
        },
      };
      for (const [path, replace] of Object.entries(changes)) {
        const { code, err } = await print(proxy, replace);
        expect([path, code]).toEqual([path, 1]);
        expect(err).toContain(path);
      }
      if (proxy === 'traefik' || proxy === 'envoy') return;
      const format = proxy === 'nginx' ? 'pem' : 'der';
      const { err } = await print(proxy, {
        'audience: https://api.example.com': `audience: https://api.example.com\nclientCertificate: { from: header, header: "x$host", format: ${format}, trust: proxy }`,
      });
      expect(err).toContain('clientCertificate.header');
      const socket = await print(proxy, {
        'listen: { host: 127.0.0.1, port: 4180 }': 'listen: { unix: "/run/a b.sock" }',
        'trustedProxies: [loopback]': 'trustedProxies: [unix]',
      });
      expect(socket.err).toContain('listen.unix');
    },
  );

  test('row 46: a phantom token in Authorization goes on in place of the client’s', async () => {
    const phantom = {
      'accounts:\n': 'accounts:\n    phantomToken: { from: introspection }\n',
      'introspection:\n': 'introspection:\n      responseFormat: jwt\n      tokens: all\n',
    };
    expect((await print('nginx', phantom)).out).toContain('proxy_set_header Authorization $phantom_token;');
    expect((await print('caddy', phantom)).out).toMatch(/copy_headers \{[^}]*\n\t+Authorization\n/);
    expect((await print('traefik', phantom)).out).toContain(
      "authResponseHeadersRegex: '(?i)^(?:Authorization|",
    );
    expect((await print('envoy', phantom)).out).toContain('{ exact: authorization, ignore_case: true }');
  });

  const TELLS = /    # What everyone.*\n    protectedResource: .*\n/.exec(
    readFileSync(new URL('serve-config.yaml', DOCUMENTS), 'utf8'),
  )?.[0];
  const DOCUMENT = '/.well-known/oauth-protected-resource';

  test.each(PROXIES)(
    'RFC9728-1: %s passes on who asks for a document, of each policy that has one',
    async (proxy) => {
      const { out } = await print(proxy, {
        'accounts:\n':
          'accounts:\n    token: { header: X-Api-Token }\n    protectedResource: { resource: "https://api.example.com/a/b-c_d.e/" }\n',
      });
      for (const path of [`${DOCUMENT}/payments`, `${DOCUMENT}/a/b-c_d.e/`]) expect(out).toContain(path);
      expect(out).toContain('nobody is asked, and no credentials are passed on');
      const { out: none } = await print(proxy, { [String(TELLS)]: '' });
      expect(none).not.toMatch(/well-known|without-credentials|service: auth|    auth:\n +loadBalancer/);
    },
  );

  test.each(PROXIES)(
    '%s is given no path of a document that it could read as more than that',
    async (proxy) => {
      for (const path of ['/a;b', '/$host', '/a(b)', "/a'b", '/a//b', '/..', '/a*', '/%61', '/a,b']) {
        const resource = JSON.stringify(`https://api.example.com${path}`);
        const { code, err } = await print(proxy, {
          'resource: https://api.example.com/payments': `resource: ${resource}`,
        });
        expect([path, code, err]).toEqual([
          path,
          1,
          expect.stringContaining('policies.payments.protectedResource.resource'),
        ]);
      }
    },
  );

  test('a unix socket is asked where serve listens on one', async () => {
    const socket = { '{ host: 127.0.0.1, port: 4180 }': '{ unix: /run/auth/auth.sock }' };
    expect((await print('nginx', socket)).out).toContain(
      'proxy_pass http://unix:/run/auth/auth.sock:/auth/payments;',
    );
    expect((await print('nginx', socket)).out).toContain(
      `proxy_pass http://unix:/run/auth/auth.sock:${DOCUMENT}/payments;`,
    );
    expect((await print('caddy', socket)).out).toContain('forward_auth unix//run/auth/auth.sock {');
    expect((await print('caddy', socket)).out).toContain('reverse_proxy unix//run/auth/auth.sock\n');
    expect((await print('envoy', socket)).out).toContain('{ pipe: { path: /run/auth/auth.sock } }');
    expect(await print('traefik', socket)).toEqual({
      code: 1,
      out: '',
      err: expect.stringContaining(
        'listen.unix (string): give { host, port }: Traefik asks at no unix socket',
      ),
    });
  });

  test.each<[string, Proxy, Readonly<Record<string, string>>, string]>([
    [
      'another proxy than that of the file',
      'caddy',
      { 'proxy: caddy': 'proxy: envoy' },
      "proxy (string): set it to 'caddy': serve must know who asks",
    ],
    ['any free port', 'nginx', { 'port: 4180': 'port: 0' }, 'listen.port (number): name the port'],
    [
      'a header with an underscore',
      'nginx',
      { 'X-Credential-Tenant': 'X_Tenant' },
      "credentialHeaders.X_Tenant (string): use letters, digits and '-' alone",
    ],
    [
      'a certificate that the proxy does not send so',
      'envoy',
      {
        'accounts:\n':
          'accounts:\n    clientCertificate: { from: header, header: X-Cert, format: pem, trust: proxy }\n',
      },
      'policies.accounts.clientCertificate (object): leave it out, or take what envoy sends: xfcc in x-forwarded-client-cert',
    ],
    [
      'a certificate that the proxy is not to verify',
      'nginx',
      {
        'accounts:\n':
          'accounts:\n    clientCertificate: { from: header, header: X-SSL-Client-Cert, format: pem, trust: any }\n',
      },
      'policies.accounts.clientCertificate (object): leave it out: in what is printed the proxy verifies',
    ],
    [
      'two headers for certificates',
      'nginx',
      {
        'accounts:\n':
          'accounts:\n    clientCertificate: { from: header, header: X-Cert, format: pem, trust: proxy }\n',
      },
      'policies.accounts.clientCertificate (object): take the same headers for all policies: the proxy is one',
    ],
    [
      'a fault of the file',
      'nginx',
      { "scopes: ['payments:read']": 'scope: a' },
      'policies.payments.scope (string)',
    ],
  ])('%s is refused with words', async (_, proxy, replace, words) => {
    const { code, out, err } = await print(proxy, replace);
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(words)]);
  });

  test.each([
    ['proxy-config'],
    ['proxy-config', 'nginx'],
    ['proxy-config', 'apache', 'x'],
    ['proxy-config', 'nginx', 'x', 'y'],
  ])('what it does not understand is 2: %s %s %s %s', async (...args) => {
    expect(await run(...args.filter((arg) => arg !== undefined))).toMatchObject({ code: 2, out: '' });
  });
});

describe('invariant 3: an outage is no pass', () => {
  test('Envoy is told to fail, with 503', async () => {
    const [filters] = [httpFilters(load((await print('envoy')).out))];
    const asking = filters.filter(({ name }) => name.startsWith('ask-'));
    expect(asking).toHaveLength(2);
    for (const { typed_config: config } of asking) {
      expect(config).toMatchObject({
        failure_mode_allow: false,
        status_on_error: { code: 'ServiceUnavailable' },
      });
    }
  });
});

interface Filter {
  readonly name: string;
  readonly typed_config: unknown;
}

function httpFilters(document: unknown): readonly Filter[] {
  const path = [
    'static_resources',
    'listeners',
    0,
    'filter_chains',
    0,
    'filters',
    0,
    'typed_config',
    'http_filters',
  ];
  return path.reduce<unknown>(
    (value, name) => (value as Record<string, unknown>)[name],
    document,
  ) as readonly Filter[];
}
