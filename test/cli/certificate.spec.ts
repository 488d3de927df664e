import { join } from 'node:path';
import {
  TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
  type TestCertificateExtension,
  type TestCertificateOptions,
} from 'nestjs-cert-bound-auth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CertificateFileReport } from '../../lib/cli/certificate/print-certificate.js';
import { identifier, sequence, tlv } from '../support/pki/der-writer.js';
import { ListServer } from '../support/pki/list-server.js';
import { purposes, qwac, TPP_SUBJECT } from '../support/pki/qualified-statements.js';
import { AUDIENCE } from '../support/world.js';
import { type EndedRun, folderWith, run } from './support.js';

let ca: TestCertificateAuthority;
let lists: ListServer;
beforeAll(async () => {
  [ca, lists] = await Promise.all([TestCertificateAuthority.create(), ListServer.start()]);
});
afterAll(async () => lists.stop());

const DAY = 86_400_000;

async function issue(options: TestCertificateOptions = {}): Promise<TestCertificate> {
  return ca.issueClientCertificate('client', options);
}

/** Runs the command on a file with this content. */
async function look(content: string | Uint8Array, ...args: readonly string[]): Promise<EndedRun> {
  const folder = await folderWith({ 'cert.pem': content });
  return run('certificate', join(folder, 'cert.pem'), ...args);
}

async function lookAsJson(
  content: string | Uint8Array,
  ...args: readonly string[]
): Promise<CertificateFileReport> {
  const { out } = await look(content, '--json', ...args);
  return JSON.parse(out) as CertificateFileReport;
}

/** RSA of 1024 bits, signed by SHA-1: nothing here makes such a one. */
const WEAK = `-----BEGIN CERTIFICATE-----
MIIB/DCCAWWgAwIBAgIULvUH401s0xfd6i8f15yCWeNvBCcwDQYJKoZIhvcNAQEF
BQAwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMjgyMDU1NDFaGA8yMTI2MTEwNDIw
NTU0MVowDzENMAsGA1UEAwwEd2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC
gYEAqKqPA0eWGS78mqwRwF8ZFzRTRShLkwBBr3rQM0nHZqy9TZXhiSquHc+6avSg
FkkfhwprRLadgC2SE5ffO+lWpU8sbmd6cjmgdThBPEObstrFDDaGvQDz+yUQarXL
+smvkoXVy19mB6THzClOTDm9308mqBcHlbV/avhXjnT/YtECAwEAAaNTMFEwHQYD
VR0OBBYEFFSZUtB9U7YhlJvgCb61GigF8u/kMB8GA1UdIwQYMBaAFFSZUtB9U7Yh
lJvgCb61GigF8u/kMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQEFBQADgYEA
itmAMx9hrwZbWXhsahrw2ayXEgMzMUecWVOO/WGB2DVQH1o2GV6BKVNGsm95Kqaa
kNtgyFRtmPR33ZedM7fRI5cXz+gvtazyupCcRCEUmBCaqg+vMFg7EOkTFLX6UC8C
qugifCNAyzL3qlxWh6ECeICy3M5Ias6+Zt4c4JhvM5c=
-----END CERTIFICATE-----`;

const uri = (text: string): Buffer => tlv(0x86, Buffer.from(text));

function listsAt(...urls: readonly string[]): TestCertificateExtension {
  return {
    oid: '2.5.29.31',
    value: sequence(...urls.map((url) => sequence(tlv(0xa0, tlv(0xa0, uri(url)))))),
  };
}

function responderAt(url: string): TestCertificateExtension {
  return {
    oid: '1.3.6.1.5.5.7.1.1',
    value: sequence(sequence(identifier('1.3.6.1.5.5.7.48.1'), uri(url))),
  };
}

describe('what is known of a certificate', () => {
  test('the command certificate prints thumbprint, names, validity, key, usages and sources of a certificate', async () => {
    const { cert, thumbprint } = await issue({
      hosts: ['A.example', '192.0.2.7'],
      uris: ['spiffe://example.org/client'],
      emails: ['ops@example.org'],
      extensions: [listsAt('http://crl.example/1.crl'), responderAt('http://ocsp.example/')],
    });
    const { code, out, err } = await look(cert);
    expect([code, err]).toEqual([0, '']);
    for (const line of [
      /^ {2}thumbprint +THUMBPRINT$/,
      /^ {2}subject +CN=client$/,
      /^ {2}issuer +CN=Test CA$/,
      /^ {2}serial number +[\dA-F]+$/,
      /^ {2}valid +\d{4}-\d\d-\d\dT[\d:.]+Z to [-\dT:.]+Z: for another 29 days$/,
      /^ {2}key +ec prime256v1$/,
      /^ {2}signed by +ECDSA SHA-256$/,
      /^ {2}is of +no CA$/,
      /^ {2}DNS name +a\.example$/,
      /^ {2}URI +spiffe:\/\/example\.org\/client$/,
      /^ {2}email +ops@example\.org$/,
      /^ {2}IP address +192\.0\.2\.7$/,
      /^ {2}key usage +digitalSignature$/,
      /^ {2}extended key usage +clientAuth$/,
      /^ {2}SPIFFE id +spiffe:\/\/example\.org\/client$/,
      /^ {2}revocation list +http:\/\/crl\.example\/1\.crl$/,
      /^ {2}OCSP responder +http:\/\/ocsp\.example\/$/,
    ])
      expect(out.replace(thumbprint, 'THUMBPRINT').split('\n')).toContainEqual(expect.stringMatching(line));
  });

  test('the roles of PSD2, the authority and the organizationIdentifier of a QWAC are printed', async () => {
    const { cert } = await issue(qwac('PSP_PI', 'PSP_AI'));
    const { out } = await look(cert);
    expect(out).toMatch(/organizationIdentifier +PSDDE-BAFIN-123456\n/);
    expect(out).toMatch(/roles of PSD2 +PSP_PI, PSP_AI\n/);
    expect(out).toMatch(/licensed by +DE-BAFIN, Federal Financial Supervisory Authority$/m);
    expect((await lookAsJson(cert)).certificates[0]).toMatchObject({
      organizationIdentifier: 'PSDDE-BAFIN-123456',
      psd2: { roles: ['PSP_PI', 'PSP_AI'], nca: { id: 'DE-BAFIN' } },
    });
  });

  test('statements of a qualified certificate that are wrong are named, and no role of them is', async () => {
    const broken = { oid: '1.3.6.1.5.5.7.1.3', value: sequence(sequence()) };
    const { out } = await look((await issue({ subject: TPP_SUBJECT, extensions: [broken] })).cert);
    expect(out).toMatch(/qualified statements +a statement has no identifier/);
    expect(out).not.toContain('roles of PSD2');
  });

  test('every certificate of a file with a chain is printed, the first one as that of the client', async () => {
    const intermediate = await ca.issueIntermediate('Between');
    const leaf = await intermediate.issueClientCertificate('', { extensions: [purposes()] });
    const { out } = await look(`${leaf.key}${leaf.cert}\ntext\n${intermediate.cert}`);
    expect(out).toMatch(/^certificate\n {2}thumbprint.*\n {2}subject +\(empty\)\n {2}issuer +CN=Between\n/);
    expect(out).toMatch(/extended key usage +it does not say\n/);
    expect(out).toMatch(/\n\nchain, certificate 1\n {2}thumbprint.*\n {2}subject +CN=Between\n/);
    expect(out).toMatch(/is of +a CA\n {2}key usage +keyCertSign, cRLSign\n/);
  });

  test('a file in DER is read like one in PEM', async () => {
    const { der, thumbprint } = await issue();
    expect((await lookAsJson(der)).certificates).toMatchObject([{ thumbprint, validity: 'valid' }]);
  });

  test.each([
    [-2 * DAY, -DAY, 'expired', /: expired 24 hours ago$/m],
    [-2 * DAY, -1_000, 'expired', /: expired \d+ s ago$/m],
    [DAY, 2 * DAY, 'not-yet-valid', /: not yet$/m],
    [-DAY, 30 * 60_000, 'valid', /: for another (?:29|30) minutes$/m],
  ] as const)(
    'a certificate that begins %i ms from now and ends at %i is said to be %s',
    async (from, to, validity, line) => {
      const now = Date.now();
      const { cert } = await issue({ notBefore: new Date(now + from), notAfter: new Date(now + to) });
      expect((await lookAsJson(cert)).certificates[0]).toMatchObject({ validity });
      expect((await look(cert)).out).toMatch(line);
    },
  );

  test('usages that have no name are shown as they are, and weak keys and signatures are said to be so', async () => {
    const all = { oid: '2.5.29.15', value: Buffer.from('030307ff80', 'hex') };
    const { cert } = await issue({ extensions: [all, purposes('1.2.3.4', '1.3.6.1.5.5.7.3.1')] });
    const { out } = await look(cert);
    expect(out).toMatch(/extended key usage +1\.2\.3\.4, serverAuth$/m);
    expect(out).toMatch(/key usage +digitalSignature, contentCommitment, .*, encipherOnly, decipherOnly$/m);
    const weak = await look(WEAK);
    expect(weak.out).toMatch(
      /key +rsa 1024: too weak, or unusual\n {2}signed by +RSASSA-PKCS1-v1_5 SHA-1: too/,
    );
  });

  test('INV6: names that a terminal would obey, or that turn its text around, are escaped, in JSON too', async () => {
    const { cert } = await issue({
      subject: [{ O: ['a\n  outcome  accepted\u001b[2J'] }, { CN: ['\u202egnirts\u009b1m'] }],
      extensions: [listsAt('http://a/\u001b[31m')],
    });
    const { out } = await look(cert);
    expect(out).toMatch(/subject +CN=\\u\{202e\}gnirts\\c2\\9b1m,O=a\\0a {2}outcome/);
    expect(out).toContain('http://a/\\u{1b}[31m');
    const json = (await look(cert, '--json')).out;
    for (const character of ['\u001b', '\u009b', '\u202e']) expect(json).not.toContain(character);
    expect(json).toContain('\\u202e');
    expect((JSON.parse(json) as CertificateFileReport).certificates[0]).toMatchObject({
      subject: expect.stringContaining('\u202egnirts'),
    });
  });

  test.each([
    ['names', { oid: '2.5.29.17', value: tlv(0x30, tlv(0x82, Buffer.from([0xff]))) }],
    ['revocation lists', { oid: '2.5.29.31', value: Buffer.from('3003', 'hex') }],
  ])(
    'a certificate whose %s cannot be read is reported with why, and exit status 1',
    async (_, extension) => {
      const { cert, thumbprint } = await issue({ extensions: [extension] });
      const { code, out } = await look(cert);
      expect([code, out]).toEqual([
        1,
        expect.stringMatching(new RegExp(`thumbprint +${thumbprint}\\n {2}cannot be read +\\S`)),
      ]);
    },
  );
});

/** Policies that demand something of a certificate. */
const DEMANDING = {
  roles: { psd2Roles: ['PSP_PI'], certificateIssuedBy: [{ ca: { file: 'ca.pem' } }] },
  elsewhere: { certificateIssuedBy: [{ dn: 'CN=Other' }] },
};

describe('what a configuration says of a certificate', () => {
  let as: TestAuthorizationServer;
  beforeAll(async () => {
    as = await TestAuthorizationServer.start({ ca });
  });
  afterAll(async () => as.stop());

  /** Judges a certificate by a policy with these options for certificates. */
  async function judge(
    { cert }: { readonly cert: string },
    clientCertificate: object,
    ...args: readonly string[]
  ): Promise<EndedRun & { readonly steps: Readonly<Record<string, string>> }> {
    const header = { from: 'header', header: 'x-cert', format: 'pem', trust: { ca: { file: 'ca.pem' } } };
    const config = {
      listen: { port: 0 },
      trustedProxies: ['loopback'],
      audience: AUDIENCE,
      clientCertificate: { ...header, ...clientCertificate },
      authorizationServers: [{ issuer: as.issuer }],
      policies: {
        api: {},
        other: { clientCertificate: { ...header, trust: 'proxy' } },
        ...(args.some((arg) => Object.hasOwn(DEMANDING, arg)) ? DEMANDING : {}),
      },
    };
    const folder = await folderWith({
      'cert.pem': cert,
      'ca.pem': ca.cert,
      'config.json': JSON.stringify(config),
      'list.pem': await ca.issueCrl(),
    });
    const list = JSON.stringify(config).replaceAll('LIST', join(folder, 'list.pem'));
    const configured = await folderWith({ 'config.json': list, 'ca.pem': ca.cert });
    const command = ['certificate', join(folder, 'cert.pem'), '--config', join(configured, 'config.json')];
    const policy = args.includes('--policy') ? [] : ['--policy', 'api'];
    const { out } = await run(...command, ...policy, ...args, '--json');
    const { judgement } = JSON.parse(out) as CertificateFileReport;
    const steps = judgement?.steps.map(({ check, result, reason }) => [check, reason ?? result] as const);
    return { ...(await run(...command, ...policy, ...args)), steps: Object.fromEntries(steps ?? []) };
  }

  test('a certificate that the configuration accepts has exit status 0, and a line for each check', async () => {
    const { code, out, steps } = await judge(await issue(), { policy: { allow: [{ cn: 'client' }] } });
    expect([code, steps]).toEqual([0, { validity: 'passed', chain: 'passed', policy: 'passed' }]);
    expect(out).toMatch(/\n\naccepted, by policy api of \S+\n {2}ok +validity +it is valid now\n/);
  });

  test('RFC5280-6: a certificate of another CA is refused as the API refuses it, with what to do', async () => {
    const foreign = await (await TestCertificateAuthority.create('Foreign')).issueClientCertificate('client');
    const { code, out, steps } = await judge(foreign, { policy: { deny: [{ cn: 'x' }] } });
    expect([code, steps]).toEqual([1, { validity: 'passed', chain: 'certificate_path_incomplete' }]);
    expect(out).toMatch(
      /\nrefused, by .*\n.*\n {2}FAILED {2}chain +certificate_path_incomplete\n +found +no path .*\n +to do +Have the CA/,
    );
  });

  test('an intermediate in the file leads to the CA that the configuration trusts', async () => {
    const intermediate = await ca.issueIntermediate('Between');
    const leaf = await intermediate.issueClientCertificate('client');
    expect((await judge({ cert: leaf.cert + intermediate.cert }, {})).code).toBe(0);
    expect((await judge(leaf, {})).code).toBe(1);
  });

  test.each([
    ['certificate_denied', { deny: [{ cn: 'client' }] }],
    ['certificate_not_allowed', { allow: [{ cn: 'other' }] }],
    ['certificate_profile_unmet', { profile: 'spiffe' }],
  ])('what the policy refuses is refused by its own reason: %s', async (reason, policy) => {
    const { code, steps } = await judge(await issue(), { policy });
    expect([code, steps['policy']]).toEqual([1, reason]);
  });

  test('what a policy demands of a certificate, its roles and its CA, is looked at as of a request', async () => {
    const tpp = await issue(qwac('PSP_PI', 'PSP_AI'));
    const profile = { policy: { profile: 'psd2-qwac', issuers: [{ dn: 'CN=Test CA' }] } };
    const met = await judge(tpp, profile, '--policy', 'roles');
    expect([met.code, met.steps]).toMatchObject([0, { policy: 'passed', roles: 'passed', issuer: 'passed' }]);
    expect(met.out).toMatch(
      /ok +policy +it meets the policy for certificates: .*issuers: issuers\[0\] stands above it/,
    );
    expect(met.out).toMatch(/ok +issuer +it is below CN=Test CA/);
    const other = await judge(await issue(qwac('PSP_AI')), profile, '--policy', 'roles');
    expect([other.code, other.steps]).toMatchObject([
      1,
      { roles: 'certificate_role_missing', issuer: 'passed' },
    ]);
    expect(other.out).toMatch(/psd2Roles demands .*PSP_PI.*, the certificate has .*PSP_AI/);
    const elsewhere = await judge(tpp, profile, '--policy', 'elsewhere');
    expect([elsewhere.code, elsewhere.steps]).toMatchObject([1, { issuer: 'certificate_issuer_unmet' }]);
    expect(elsewhere.out).toContain('certificateIssuedBy demands one below CN=Other');
  });

  test('a certificate that is over, or not valid yet, is refused for that', async () => {
    const past = await issue({
      notBefore: new Date(Date.now() - 2 * DAY),
      notAfter: new Date(Date.now() - DAY),
    });
    const future = await issue({ notBefore: new Date(Date.now() + DAY) });
    expect((await judge(past, {})).steps).toMatchObject({ validity: 'certificate_expired' });
    expect((await judge(future, {})).steps).toMatchObject({ validity: 'certificate_not_yet_valid' });
  });

  test('the command certificate says where a proxy verifies the chain, or nobody does, and names what it left out', async () => {
    const cert = await issue();
    expect((await judge(cert, {}, '--policy', 'other')).steps).toEqual({
      validity: 'passed',
      chain: 'not-checked',
    });
    const { out, steps } = await judge(cert, { trust: 'any' });
    expect(steps).toEqual({ validity: 'passed', chain: 'not-checked' });
    expect(out).toContain("trust is 'any': no chain is asked for");
    const ofClient = await judge(cert, { policy: { client: 'subject-is-client-id' } });
    expect(ofClient.steps).toMatchObject({ policy: 'passed', client: 'not-checked' });
  });

  test('a certificate on a list in a file is revoked, and one that is not on it passes', async () => {
    const [good, bad] = await Promise.all([issue(), issue()]);
    ca.revoke(bad);
    const revocation = { crl: { files: ['LIST'] } };
    expect((await judge(good, { revocation })).steps).toMatchObject({ revocation: 'passed' });
    const { code, steps } = await judge(bad, { revocation });
    expect([code, steps['revocation']]).toEqual([1, 'certificate_revoked']);
  });

  test('the command certificate fetches no list and asks no responder without --fetch: it names those that it would ask', async () => {
    const url = lists.url('/unfetched.crl');
    const cert = await issue({
      extensions: [listsAt(url, 'http://elsewhere.example/'), responderAt('http://ocsp.example/')],
    });
    const crl = { hosts: [lists.host] };
    const { code, out, steps } = await judge(cert, {
      revocation: { crl, ocsp: { hosts: ['ocsp.example'] } },
    });
    expect([code, steps['revocation']]).toEqual([0, 'not-checked']);
    expect(out).toContain(`not asked without --fetch: ${url}, http://ocsp.example/`);
    const fixed = { ocsp: { responder: 'http://fixed.example/' } };
    expect((await judge(cert, { revocation: fixed })).out).toContain('--fetch: http://fixed.example/');
    expect(lists.asked).toEqual([]);
  });

  test('the list that a certificate names decides with --fetch', async () => {
    const extensions = [listsAt(lists.url('/fetched.crl'))];
    const [good, bad] = await Promise.all([issue({ extensions }), issue({ extensions })]);
    ca.revoke(bad);
    const pem = await ca.issueCrl();
    lists.answers.set('/fetched.crl', Buffer.from(pem));
    const revocation = { crl: { hosts: [lists.host], privateNetworks: ['127.0.0.1'] } };
    expect((await judge(good, { revocation }, '--fetch')).steps).toMatchObject({ revocation: 'passed' });
    expect((await judge(bad, { revocation }, '--fetch')).steps).toMatchObject({
      revocation: 'certificate_revoked',
    });
  });

  test('a certificate of which no source may be asked is refused in strict, passes in best-effort, and is not looked up when off', async () => {
    const cert = await issue();
    const crl = { hosts: [lists.host] };
    expect((await judge(cert, { revocation: { crl } })).steps).toMatchObject({
      revocation: 'certificate_revocation_unknown',
    });
    expect((await judge(cert, { revocation: { crl, mode: 'best-effort' } })).steps).toMatchObject({
      revocation: 'passed',
    });
    expect((await judge(cert, { revocation: { crl, mode: 'off' } })).steps).not.toHaveProperty('revocation');
  });
});

describe('the command line of certificate', () => {
  test.each([['--help'], ['-h'], ['cert.pem', '--help']])(
    'the command certificate prints its usage: %s %s',
    async (...args) => {
      const { code, out } = await run('certificate', ...args.filter((arg) => arg !== undefined));
      expect([code, out]).toEqual([0, expect.stringMatching(/^Usage: nestjs-cert-bound-auth certificate /)]);
    },
  );

  test.each([
    [[], /give one file/],
    [['--json'], /give one file/],
    [['a.pem', 'b.pem'], /give one file/],
    [['a.pem', '--fetsh'], /did you mean --fetch\?/],
    [['a.pem', '--json'], /a\.pem cannot be read \(ENOENT\)/],
    [['package.json'], /package\.json holds no certificate, PEM or DER/],
  ] as const)('what cannot be meant so has exit status 2: %j', async (args, message) => {
    const { code, out, err } = await run('certificate', ...args);
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(message)]);
  });

  test.each(['--policy', '--fetch'])('%s without a configuration has exit status 2', async (option) => {
    const args = option === '--policy' ? [option, 'api'] : [option];
    const { code, err } = await look((await issue()).cert, ...args);
    expect([code, err]).toEqual([2, `${option} goes with --config`]);
  });

  test('a configuration that is no YAML has exit status 2', async () => {
    const folder = await folderWith({ 'config.yaml': '[' });
    const { code, err } = await look((await issue()).cert, '--config', join(folder, 'config.yaml'));
    expect([code, err]).toEqual([2, expect.stringMatching(/^error: .*cannot be understood/)]);
  });
});
