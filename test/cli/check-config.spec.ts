import { join } from 'node:path';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { readServeConfig } from '../../lib/cli/serve-config.js';
import { createWorld, whenOver, type World } from '../support/world.js';
import { folderWith, run } from './support.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const RIGHT = {
  listen: { port: 4180 },
  trustedProxies: ['loopback'],
  audience: 'https://api.example.com',
  authorizationServers: [{ issuer: 'https://as.example.com' }],
  policies: { payments: { scopes: ['payments:read'] } },
};

/** Checks a configuration beside these files. @returns the complaints, a line each, without the first */
async function check(
  config: unknown,
  files: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const folder = await folderWith({ ...files, 'config.json': JSON.stringify(config) });
  const { code, out, err } = await run('check-config', join(folder, 'config.json'));
  if (code === 0) {
    expect(out).toBe('ok');
    return [];
  }
  const [first, ...lines] = err.split('\n');
  expect([code, first]).toEqual([1, `${join(folder, 'config.json')} is wrong:`]);
  return lines.map((line) => line.replace(/^ {2}- /, ''));
}

/** Sets a variable of the environment for the length of a test. */
function setVariable(name: string, value: string): void {
  process.env[name] = value;
  whenOver(async () => {
    delete process.env[name];
  });
}

describe('invariant 8: what check-config says', () => {
  test('check-config says ok about a right configuration', async () => {
    expect(await check(RIGHT)).toEqual([]);
    expect(await check({ ...RIGHT, listen: { unix: '/run/auth.sock' } })).toEqual([]);
    expect(await check({ ...RIGHT, listen: { host: '::1', port: '4180' } })).toEqual([]);
  });

  test('check-config reads YAML', async () => {
    const yaml = `
      listen: { port: 4180 }
      trustedProxies: [loopback]
      audience: https://api.example.com
      authorizationServers:
        - issuer: https://as.example.com
      policies:
        payments:
          scopes: ['payments:read']`;
    const folder = await folderWith({ 'right.yaml': yaml, 'wrong.yml': `${yaml}\n          scope: x` });
    expect(await run('check-config', join(folder, 'right.yaml'))).toEqual({ code: 0, out: 'ok', err: '' });
    const { code, err } = await run('check-config', join(folder, 'wrong.yml'));
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('policies.payments.scope (string): there is no such option'),
    ]);
  });

  test('a preset stands for the settings of a server, beside which others are given', async () => {
    const issuer = 'https://keycloak.example.com/realms/bank';
    const yaml = `
      listen: { port: 4180 }
      trustedProxies: [loopback]
      audience: https://api.example.com
      authorizationServers:
        - preset: keycloak
          issuer: ${issuer}
          jwt: { algorithms: [PS256] }
          claims: { scope: [resource_access, orders.bank.example, roles] }
      policies:
        payments: { scopes: ['payments:read'] }
        reports:
          scopes: ['reports:read']
          authorizationServers: [{ preset: entra-id, issuer: 'https://login.example.com/t/v2.0', audience: a }]`;
    const folder = await folderWith({ 'presets.yaml': yaml });
    const { policies } = readServeConfig(join(folder, 'presets.yaml')).forwardAuth;
    const [keycloak] = policies.get('payments')?.options.authorizationServers ?? [];
    expect([keycloak?.issuer, keycloak?.claimNames]).toEqual([
      issuer,
      {
        scope: ['resource_access', 'orders.bank.example', 'roles'],
        clientId: 'azp',
        subject: 'sub',
      },
    ]);
    expect(keycloak?.jwt).toMatchObject({
      types: ['jwt', 'at+jwt'],
      algorithms: ['PS256'],
      recognizedBy: [],
    });
    const [entra] = policies.get('reports')?.options.authorizationServers ?? [];
    expect(entra?.claimNames).toEqual({ scope: 'scp', clientId: 'azp', subject: 'sub' });
    expect(await run('check-config', join(folder, 'presets.yaml'))).toMatchObject({ code: 0, out: 'ok' });
  });

  test.each([
    ['keyclock', 'did you mean keycloak? the presets are keycloak, entra-id, '],
    ['Keycloak', 'did you mean keycloak? '],
    ['entraid', 'did you mean entra-id? '],
    ['forOkta', 'the presets are keycloak, '],
    ['__proto__', 'the presets are keycloak, '],
    ['constructor', 'the presets are keycloak, '],
    ['x'.repeat(10_000), 'the presets are keycloak, '],
    [['keycloak'], 'the presets are keycloak, '],
    [null, 'the presets are keycloak, '],
  ])(
    'an unknown preset %j is refused, with the one that is meant or those that there are',
    async (preset, remedy) => {
      const authorizationServers = [{ issuer: 'https://as.example.com', preset }];
      const policies = { payments: { scopes: ['a'], authorizationServers } };
      const complaints = await check({ ...RIGHT, authorizationServers, policies });
      expect(complaints).toEqual([
        expect.stringMatching(
          new RegExp(`^authorizationServers\\[0\\]\\.preset \\([a-z ]+\\): ${remedy.replace('?', '\\?')}`),
        ),
        expect.stringMatching(/^policies\.payments\.authorizationServers\[0\]\.preset /),
      ]);
    },
  );

  test('what is wrong beside a preset is told as without one', async () => {
    const okta = { preset: 'okta', issuer: 'https://as.example.com', jwt: { algorithm: 'x' } };
    expect(await check({ ...RIGHT, authorizationServers: [okta] })).toEqual([
      expect.stringContaining('authorizationServers[0].jwt.algorithm (string): there is no such option'),
    ]);
    expect(await check({ ...RIGHT, authorizationServers: [okta, 7] })).toEqual([
      expect.stringContaining('authorizationServers (array): every server is an object'),
    ]);
    expect(await check({ ...RIGHT, authorizationServers: { preset: 'okta' } })).toEqual([
      expect.stringMatching(/^authorizationServers \(/),
    ]);
  });

  test.each<[string, object, readonly string[]]>([
    [
      'a missing listen',
      { listen: undefined },
      ['listen (undefined): give { host, port } or { unix: path }'],
    ],
    ['listen without a port', { listen: {} }, ['listen.port (undefined): give a port']],
    [
      'an unknown level of the log',
      { logLevel: 'loud' },
      ["logLevel (string): use 'error', 'warn', 'log' or 'debug'"],
    ],
    ['an impossible port', { listen: { port: 65_536 } }, ['listen.port (number): give a port']],
    ['a port in a list', { listen: { port: [8080] } }, ['listen.port (array): give a port']],
    ['an empty host', { listen: { port: 1, host: '' } }, ['listen.host (empty string): give an address']],
    [
      'an unknown option of listen',
      { listen: { port: 1, address: 'x' } },
      ['listen.address (string): there is no such option'],
    ],
    [
      'listen and tls, misspelled',
      { lisen: { port: 1 }, tsl: {} },
      [
        'lisen (object): there is no such option: did you mean listen?',
        'tsl (object): there is no such option: did you mean tls?',
      ],
    ],
    ['a socket and a port', { listen: { port: 1, unix: 'x' } }, ['listen (object): give either']],
    ['an empty socket path', { listen: { unix: '' } }, ['listen.unix (empty string): give the path']],
    ['a tls of the wrong type', { tls: true }, ['tls (boolean): give { key, cert, ca }']],
    ['an empty tls', { tls: {} }, ['tls (object): mutualTls: key, cert, ca are missing or empty']],
    [
      'an unknown option of tls',
      { tls: { requestCert: true } },
      ['tls.requestCert (boolean): there is no such option'],
    ],
    [
      'each of several faults',
      { audience: [], path: 'x', tls: 1 },
      ['tls (number): give', 'path (string): give', 'audience (empty array): name'],
    ],
    ['validate', { validate: 'x' }, ['validate (string): it is code']],
    [
      'a function of introspection',
      { authorizationServers: [{ issuer: 'https://as.example.com', introspection: { introspect: 'x' } }] },
      ['authorizationServers[0].introspection.introspect (string): it is code'],
    ],
    [
      'a shared cache',
      {
        authorizationServers: [
          {
            issuer: 'https://as.example.com',
            introspection: { clientAuthentication: { method: 'none', clientId: 'a' }, cache: { shared: {} } },
          },
        ],
      },
      ['authorizationServers[0].introspection.cache.shared (object): it is code'],
    ],
    [
      'a replay store',
      { policies: { find: { dpop: { publicUrl: 'https://api.example.com', replayStore: {} } } } },
      ['policies.find.dpop.replayStore (object): it is code'],
    ],
  ])('check-config names %s as a fault', async (_, change, expected) => {
    const problems = await check({ ...RIGHT, ...change });
    const starts = problems.map((problem, index) => problem.slice(0, expected[index]?.length));
    expect(starts.filter((start) => expected.includes(start))).toEqual(expected);
  });

  test.each([
    ['config.json', '{', 'cannot be understood'],
    ['config.yaml', 'a: [', 'cannot be understood'],
    ['config.yaml', 'a: 1\na: 2', 'cannot be understood'],
    ['config.yaml', '', '(all) (null): give { listen, trustedProxies, policies }'],
    ['config.json', '[]', '(all) (empty array): give { listen, trustedProxies, policies }'],
  ])('check-config refuses %s with the content %j', async (name, text, complaint) => {
    const folder = await folderWith({ [name]: text });
    const { code, err } = await run('check-config', join(folder, name));
    expect([code, err]).toEqual([1, expect.stringContaining(complaint)]);
  });

  test('check-config names a certificate source that is empty, and never falls back to a less strict one', async () => {
    const strict = `
      listen: { port: 4180 }
      trustedProxies: [loopback]
      audience: https://api.example.com
      authorizationServers:
        - issuer: https://as.example.com
      clientCertificate: { from: header, header: x-cert, format: pem, trust: { ca: { file: ca.pem } } }
      policies:
        payments: {}`;
    const files = {
      'ca.pem': world.ca.cert,
      'own.yaml': `${strict}\n        other:\n          clientCertificate:`,
    };
    const folder = await folderWith({
      ...files,
      'right.yaml': strict,
      'all.yaml': strict.replace(/clientCertificate: .*/, 'clientCertificate:'),
    });
    const complaintsOf = async (name: string): Promise<readonly string[]> =>
      (await run('check-config', join(folder, name))).err.split('\n').slice(1);
    expect(await complaintsOf('right.yaml')).toEqual([]);
    expect(await complaintsOf('own.yaml')).toEqual([
      expect.stringMatching(/^ {2}- policies\.other\.clientCertificate \(null\): give/),
    ]);
    expect(await complaintsOf('all.yaml')).toEqual([
      expect.stringMatching(/^ {2}- clientCertificate \(null\): give/),
    ]);
  });

  test('check-config refuses a file that is not there', async () => {
    expect(await run('check-config', '/none')).toMatchObject({
      code: 1,
      err: expect.stringContaining('ENOENT') as string,
    });
  });
});

describe('invariant 6: a file that cannot be understood is not shown', () => {
  test.each([
    [
      'an alias without an anchor',
      'config.yaml',
      'a: 1\nclientSecret: *hunter2',
      'unidentified alias at line 2, column 16',
    ],
    ['an alias of its own parent', 'config.yaml', 'a: &hunter2 { b: *hunter2 }', 'an alias of what it is in'],
    ['an unknown tag', 'config.yaml', 'clientSecret: !hunter2', 'unknown scalar tag at line 1, column 15'],
    ['a tag for a reference', 'config.yaml', 'a: !env hunter2', 'unknown scalar tag at line 1, column 4'],
    [
      'a character that begins nothing',
      'config.yaml',
      'a: @hunter2',
      'bad indentation of a mapping entry at line 1, column 4',
    ],
    ['an unknown escape', 'config.yaml', 'a: "\\qhunter2"', 'unknown escape sequence at line 1, column 6'],
    [
      'a name given twice',
      'config.yaml',
      'hunter2: 1\nhunter2: 2',
      'duplicated mapping key at line 2, column 1',
    ],
    [
      'a name that is a map',
      'config.yaml',
      '? { a: hunter2 }\n: 1',
      'object-based map does not support complex keys at line 1, column 1',
    ],
    ['a second document', 'config.yaml', 'a: 1\n---\nhunter2', 'there is a second document in it'],
    ['two faults', 'config.yaml', 'a: !hunter2 1\nb: *hunter2', 'unknown scalar tag at line 1, column 4'],
    ['text without quotes', 'config.json', '{\n  "a": hunter2 }', 'it is no JSON'],
    ['a comma at the end', 'config.json', '{"a": "hunter2",}', 'it is no JSON'],
    [
      'a name given twice',
      'config.json',
      '{\n\t"a": { "b": "hunter2" },\n\t"\\u0061": 2\n}',
      'duplicated mapping key at line 3, column 3',
    ],
  ])('check-config names only the place of %s in %s', async (_, name, text, fault) => {
    const [log, warn] = [vi.spyOn(process, 'emitWarning'), vi.spyOn(process.stderr, 'write')];
    whenOver(async () => vi.restoreAllMocks());
    const folder = await folderWith({ [name]: text });
    const file = join(folder, name);
    expect(await run('check-config', file)).toEqual({
      code: 1,
      out: '',
      err: `error: ${file} cannot be understood: ${fault}`,
    });
    expect([log.mock.calls, warn.mock.calls]).toEqual([[], []]);
  });

  test('check-config refuses aliases that make a huge configuration out of a small file', async () => {
    const levels = Array.from(
      { length: 8 },
      (__, level) => `l${level}: &l${level} [${level === 0 ? 'hunter2' : `*l${level - 1}, `.repeat(10)}]`,
    );
    const folder = await folderWith({ 'config.yaml': levels.join('\n') });
    const { code, err } = await run('check-config', join(folder, 'config.yaml'));
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/cannot be understood: too many values, with what aliases stand for$/),
    ]);
  });

  test('check-config understands an alias of something, and the same name in two places', async () => {
    const yaml = `
      listen: { port: 4180 }
      trustedProxies: [loopback]
      audience: &api https://api.example.com
      authorizationServers:
        - { issuer: https://as.example.com, audience: *api }
      policies: { a: {}, 404: {} }`;
    const json = JSON.stringify(
      { ...RIGHT, policies: { a: { realm: 'a' }, b: { realm: 'a' } } },
      undefined,
      '\t',
    );
    const folder = await folderWith({ 'config.yaml': yaml, 'config.json': json });
    for (const name of ['config.yaml', 'config.json']) {
      expect(await run('check-config', join(folder, name))).toEqual({ code: 0, out: 'ok', err: '' });
    }
  });
});

describe('references in a configuration', () => {
  const introspection = (clientSecret: unknown): object => ({
    ...RIGHT,
    authorizationServers: [
      {
        issuer: 'https://as.example.com',
        introspection: {
          clientAuthentication: { method: 'client_secret_jwt', clientId: 'api', clientSecret },
        },
      },
    ],
  });
  const AT = 'authorizationServers[0].introspection.clientAuthentication.clientSecret';

  test('a reference to the environment stands for the value of a variable', async () => {
    setVariable('CLI_TEST_SECRET', 's'.repeat(32));
    expect(await check(introspection({ env: 'CLI_TEST_SECRET' }))).toEqual([]);
    setVariable('CLI_TEST_SECRET', 'short');
    expect(await check(introspection({ env: 'CLI_TEST_SECRET' }))).toEqual([
      expect.stringContaining(`${AT} (string): it is too short`),
    ]);
  });

  test.each([
    ['is not set', undefined],
    ['is empty', ''],
  ])('a reference to a variable that %s is named as a fault', async (_, value) => {
    if (value !== undefined) setVariable('CLI_TEST_NONE', value);
    expect(await check(introspection({ env: 'CLI_TEST_NONE' }))).toEqual([
      `${AT} (undefined): the environment variable CLI_TEST_NONE is not set`,
    ]);
  });

  test('a reference to a file stands for its text, relative to the configuration and without the last line end', async () => {
    expect(await check(introspection({ file: 'secret' }), { secret: `${'s'.repeat(32)}\n` })).toEqual([]);
    expect(await check(introspection({ file: 'secret' }), { secret: `${'s'.repeat(31)}\n` })).toEqual([
      expect.stringContaining('it is too short'),
    ]);
    const { key, cert } = world.server;
    const tls = { key: { file: 'key.pem' }, cert: { file: 'cert.pem' }, ca: [{ file: 'ca.pem' }] };
    const files = { 'key.pem': key, 'cert.pem': cert, 'ca.pem': world.ca.cert };
    expect(await check({ ...RIGHT, tls }, files)).toEqual([]);
    const other = { ...files, 'key.pem': world.client1.key };
    expect(await check({ ...RIGHT, tls }, other)).toEqual([
      expect.stringMatching(/^tls \(object\): .*mismatch/),
    ]);
  });

  test("lists of proxies' CAs that leave one CA out are a fault, for whoever is below that one would be refused", async () => {
    const { key, cert } = world.server;
    const other = await TestCertificateAuthority.create('CA without a list');
    const references = { key: { file: 'key.pem' }, cert: { file: 'cert.pem' }, ca: { file: 'ca.pem' } };
    const tls = { ...references, crl: { file: 'ca.crl' } };
    const files = { 'key.pem': key, 'cert.pem': cert, 'ca.crl': await world.ca.issueCrl() };
    expect(await check({ ...RIGHT, tls }, { ...files, 'ca.pem': world.ca.cert })).toEqual([]);
    expect(await check({ ...RIGHT, tls }, { ...files, 'ca.pem': `${world.ca.cert}\n${other.cert}` })).toEqual(
      [expect.stringMatching(/^tls\.crl \(string\): there is no list of CN=CA without a list, so that /)],
    );
  });

  test('INV8: a secret that still ends with a line end is a fault, wherever it is from', async () => {
    const fault = [expect.stringContaining(`${AT} (string): remove the line end`)];
    setVariable('CLI_TEST_SECRET', `${'s'.repeat(32)}\n`);
    expect(await check(introspection({ env: 'CLI_TEST_SECRET' }))).toEqual(fault);
    for (const secret of [`${'s'.repeat(32)}\n\n`, `${'s'.repeat(32)} \n`, `\ufeff${'s'.repeat(32)}\n`])
      expect(await check(introspection({ file: 'secret' }), { secret })).toEqual(fault);
  });

  test('a reference to a file that is not there is named as a fault', async () => {
    expect(await check(introspection({ file: 'none' }))).toEqual([
      expect.stringMatching(
        /^authorizationServers.*clientSecret \(undefined\): .*\/none cannot be read \(ENOENT\)$/,
      ),
    ]);
  });

  test('an object under names that users choose themselves is not taken as a reference', async () => {
    const policies = { env: {}, file: { credentialHeaders: { env: 'HOME' } } };
    expect(await check({ ...RIGHT, policies })).toEqual([]);
  });

  test('a fault never shows what a reference stands for', async () => {
    setVariable('CLI_TEST_SECRET', 'very secret');
    const problems = await check({ ...introspection({ env: 'CLI_TEST_SECRET' }), audience: 1 });
    expect(problems.join('\n')).not.toContain('very secret');
  });
});
