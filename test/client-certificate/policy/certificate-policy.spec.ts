import { hash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type TestCertificate,
  TestCertificateAuthority,
  type TestCertificateOptions,
} from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CertificatePolicyOptions, CertificateRule } from '../../../lib/cert-bound-auth.options.js';
import type { VerifiedChain } from '../../../lib/client-certificate/certificate-checks.js';
import { certificateChecksOf } from '../../../lib/client-certificate/certificate-checks-of.js';
import type { CertificateSettings } from '../../../lib/client-certificate/certificate-settings.js';
import { unverified, VOUCHED_FOR } from '../../../lib/client-certificate/chain/chain-verdict.js';
import { type ClientCertificate, describeX509 } from '../../../lib/client-certificate/client-certificate.js';
import { clientCheckOf } from '../../../lib/client-certificate/policy/client-check.js';
import { issuerProblem } from '../../../lib/client-certificate/policy/issuers.js';
import { presentedCertificate } from '../../../lib/client-certificate/presented-certificate.js';
import type { TokenDescription } from '../../../lib/decision.js';
import {
  purposes,
  qualified,
  qwac,
  ROLE_COMBINATIONS,
  roleDer,
  SEAL,
  TPP_SUBJECT,
  WEB,
} from '../../support/pki/qualified-statements.js';

let root: TestCertificateAuthority;
let ca: TestCertificateAuthority;
let other: TestCertificateAuthority;
beforeAll(async () => {
  [root, other] = await Promise.all([
    TestCertificateAuthority.create('Root'),
    TestCertificateAuthority.create('Issuing'),
  ]);
  ca = await root.issueIntermediate('Issuing');
});

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

const settingsOf = (policy: CertificatePolicyOptions): CertificateSettings =>
  ({
    from: 'tls',
    trust: 'ca',
    policy: { extendedKeyUsage: 'if-present', principal: 'subject', ...policy },
  }) as CertificateSettings;

/** A certificate of {@link ca}, with its chain. */
async function issue(options: TestCertificateOptions = {}, by = ca): Promise<ClientCertificate> {
  return certificateOf(await by.issueClientCertificate('client', options), by);
}

function certificateOf({ cert }: TestCertificate, by = ca): ClientCertificate {
  const x509 = new X509Certificate(cert);
  const path = [x509, new X509Certificate(by.cert), ...(by === ca ? [new X509Certificate(root.cert)] : [])];
  const verdict: VerifiedChain = { kind: 'verified', path, until: Infinity };
  return describeX509(x509, () => verdict);
}

/** By which reason the policy refuses a certificate; `undefined` where it does not. */
async function judge(
  policy: CertificatePolicyOptions,
  certificate: ClientCertificate,
): Promise<string | undefined> {
  const checks = certificateChecksOf(settingsOf(policy));
  return (await checks?.problemOf(certificate, (await certificate.chain()) as VerifiedChain))?.reason;
}

test('nothing is asked of a certificate beside its chain where there is no policy', () => {
  expect(
    certificateChecksOf({ from: 'tls', trust: 'ca', policy: undefined, revocation: undefined }),
  ).toBeUndefined();
});

test('a certificate of which a proxy passes on a digest only meets no policy', async () => {
  const identity = { subject: 'CN=client', subjectAltNames: [] };
  const certificate = { ...(await issue()), identity };
  expect(await judge({ allow: [{ cn: 'client' }] }, certificate)).toBe('certificate_digest_only');
  expect(clientCheckOf(settingsOf({ client: 'spiffe' }))?.(certificate, {} as TokenDescription)?.reason).toBe(
    'certificate_client_mismatch',
  );
});

test('a certificate whose extensions can not be read meets no policy', async () => {
  const extensions = [1, 2].map(() => ({ oid: '1.2.3.4', value: Buffer.from([5, 0]) }));
  expect(await judge({}, await issue({ extensions }))).toBe('certificate_unreadable');
});

test('an extended key usage that is there must allow clients, and one that is demanded must name them', async () => {
  const judgeUsage = async (usages: readonly string[], extendedKeyUsage: 'if-present' | 'required') =>
    judge({ extendedKeyUsage }, await issue({ extensions: [purposes(...usages)] }));
  for (const usages of [[CLIENT_AUTH], [SERVER_AUTH, CLIENT_AUTH]]) {
    expect(await judgeUsage(usages, 'if-present')).toBeUndefined();
    expect(await judgeUsage(usages, 'required')).toBeUndefined();
  }
  for (const usages of [[], [ANY_USAGE]]) {
    expect(await judgeUsage(usages, 'if-present')).toBeUndefined();
    expect(await judgeUsage(usages, 'required')).toBe('certificate_usage_not_allowed');
  }
  expect(await judgeUsage([SERVER_AUTH], 'if-present')).toBe('certificate_usage_not_allowed');
});

describe('issuers decide whether a certificate counts', () => {
  const spki = (pem: string): string =>
    hash('sha256', new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }), 'base64url');

  test('any CA above a certificate counts as its issuer, by its certificate, key or name', async () => {
    const certificate = await issue();
    for (const issuer of [
      { ca: ca.cert },
      { ca: root.cert },
      { spkiSha256: spki(ca.cert) },
      { spkiSha256: spki(root.cert) },
      { dn: 'CN=Issuing' },
      { dn: 'CN=Root' },
    ]) {
      expect(await judge({ issuers: [{ dn: 'CN=Nobody' }, issuer] }, certificate)).toBeUndefined();
    }
    for (const issuer of [
      { ca: other.cert },
      { spkiSha256: spki(other.cert) },
      { dn: 'CN=client' },
      { dn: 'CN=issuing' },
    ]) {
      expect(await judge({ issuers: [issuer] }, certificate)).toBe('certificate_issuer_not_allowed');
    }
  });

  test('a CA is known by a file of PEM as by its text, and a file that cannot be used is told at boot', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'issuers-'));
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, other.cert + ca.cert);
    const certificate = await issue();
    expect(await judge({ issuers: [{ caFile }] }, certificate)).toBeUndefined();
    writeFileSync(caFile, other.cert);
    expect(await judge({ issuers: [{ caFile }] }, certificate)).toBe('certificate_issuer_not_allowed');
    writeFileSync(caFile, 'nothing');
    expect(issuerProblem({ caFile })).toBe('it cannot be used: there is no certificate in it');
    rmSync(folder, { recursive: true });
    expect(issuerProblem({ caFile })).toMatch(/^it cannot be used: ENOENT/);
    expect(issuerProblem({ caFile: ca.cert })).toMatch(/^give the path of a file of PEM/);
    expect(issuerProblem({ caFile: 7 })).toMatch(/^give the path/);
  });

  test('a CA with the name of another one is not that one', async () => {
    const certificate = await issue({}, other);
    expect(await judge({ issuers: [{ ca: ca.cert }] }, certificate)).toBe('certificate_issuer_not_allowed');
    expect(await judge({ issuers: [{ spkiSha256: spki(ca.cert) }] }, certificate)).toBe(
      'certificate_issuer_not_allowed',
    );
  });

  test('the CA that has signed the certificate counts where a proxy vouches, and none above it', async () => {
    const forwarded = (certificate: ClientCertificate): ClientCertificate => ({
      ...certificate,
      chain: () => VOUCHED_FOR,
    });
    const own = forwarded(await issue());
    const foreign = forwarded(await issue({}, other));
    expect(await judge({ issuers: [{ ca: ca.cert }] }, own)).toBeUndefined();
    expect(await judge({ issuers: [{ dn: 'CN=Issuing' }] }, own)).toBeUndefined();
    expect(await judge({ issuers: [{ ca: root.cert }] }, own)).toBe('certificate_issuer_not_allowed');
    expect(await judge({ issuers: [{ ca: ca.cert }] }, foreign)).toBe('certificate_issuer_not_allowed');
    expect(await judge({ issuers: [{ dn: 'CN=Root' }] }, own)).toBe('certificate_issuer_not_allowed');
  });
});

describe('allow and deny', () => {
  const says: TestCertificateOptions = {
    subject: [{ C: ['DE'] }, { O: ['Example, Inc.'] }, { CN: ['client'] }],
    hosts: ['a.example', '10.0.0.1'],
    uris: ['urn:a', 'urn:b'],
    emails: ['ann@a.example'],
  };

  test('each member of a rule matches what is equal, and nothing else', async () => {
    const certificate = await issue(says);
    const { serialNumber } = certificate.identity as X509Certificate;
    const right: readonly CertificateRule[] = [
      { dn: String.raw`CN=client,O=Example\, Inc.,C=DE` },
      { cn: 'client' },
      { o: 'Example, Inc.' },
      { cn: 'client', o: 'Example, Inc.', dns: 'A.EXAMPLE' },
      { ip: '10.0.0.1' },
      { uri: 'urn:b' },
      { email: 'ann@A.example' },
      { serialNumber: serialNumber.toLowerCase(), issuer: 'CN=Issuing' },
      { thumbprint: certificate.thumbprint },
      (described) => described.commonNames[0] === 'client' && described.uris.length === 2,
    ];
    const wrong: readonly CertificateRule[] = [
      { dn: 'CN=client' },
      { dn: String.raw`C=DE,O=Example\, Inc.,CN=client` },
      { cn: 'Client' },
      { cn: 'client', o: 'Example' },
      { dns: 'example' },
      { ip: '10.0.0.2' },
      { uri: 'urn:A' },
      { email: 'Ann@a.example' },
      { serialNumber, issuer: 'CN=Root' },
      { thumbprint: 'A'.repeat(43) },
      () => false,
    ];
    for (const rule of right) {
      expect(await judge({ allow: [{ cn: 'x' }, rule] }, certificate), JSON.stringify(rule)).toBeUndefined();
      expect(await judge({ deny: [rule], allow: [rule] }, certificate)).toBe('certificate_denied');
    }
    for (const rule of wrong) {
      expect(await judge({ allow: [rule] }, certificate), JSON.stringify(rule)).toBe(
        'certificate_not_allowed',
      );
      expect(await judge({ deny: [rule] }, certificate)).toBeUndefined();
    }
  });

  test.each([
    ['a line end', [{ CN: ['x\nCN=admin'] }]],
    ['a comma', [{ CN: ['x,CN=admin'] }]],
    ['a plus sign', [{ CN: ['x+CN=admin'] }]],
    ['an escaped comma', [{ CN: [String.raw`x\,CN=admin`] }]],
    ['NUL', [{ CN: ['admin\0.example'] }]],
    ['another attribute', [{ O: ['CN=admin'] }]],
    ['a second CN', [{ CN: ['x'] }, { CN: ['admin'] }]],
    ['a second CN in the same part', [{ CN: ['x', 'admin'] }]],
  ])('a name with %s in it never passes for the administrator', async (_, subject) => {
    const certificate = await issue({ subject });
    for (const allow of [
      [{ cn: 'admin' }],
      [{ dn: 'CN=admin' }],
      [{ dn: 'CN=admin,CN=x' }, { cn: 'admin' }].slice(1),
    ]) {
      expect(await judge({ allow }, certificate)).toBe('certificate_not_allowed');
    }
    expect(
      (await presentedCertificate(certificate, settingsOf({ principal: 'cn' }).policy)).principal,
    ).not.toBe('admin');
  });

  test('who is denied by a CN is denied with a second one beside it', async () => {
    for (const subject of [[{ CN: ['evil'] }, { CN: ['good'] }], [{ CN: ['good', 'evil'] }]]) {
      expect(await judge({ deny: [{ cn: 'evil' }] }, await issue({ subject }))).toBe('certificate_denied');
    }
  });

  test('only true allows and only false does not deny, and a function that throws refuses everybody for now', async () => {
    const certificate = await issue();
    for (const answer of [undefined, 1, Promise.resolve(true), Promise.resolve(false)]) {
      const rule = (() => answer) as unknown as CertificateRule;
      expect(await judge({ allow: [rule] }, certificate)).toBe('certificate_not_allowed');
      expect(await judge({ deny: [rule] }, certificate)).toBe('certificate_denied');
    }
    const fails = (): never => {
      throw new Error('down');
    };
    expect(await judge({ allow: [fails] }, certificate)).toBe('certificate_policy_unusable');
    for (const list of [fails, () => 'x', () => [{}]] as unknown as readonly (() => [])[]) {
      expect(await judge({ allow: list }, certificate)).toBe('certificate_policy_unusable');
      expect(await judge({ deny: list }, certificate)).toBe('certificate_policy_unusable');
    }
  });

  test('a certificate is judged once, and again when a function returns another list or the chain is another one', async () => {
    let asked = 0;
    const count = (): boolean => {
      asked += 1;
      return true;
    };
    let list: readonly CertificateRule[] = [count];
    const checks = certificateChecksOf(settingsOf({ allow: () => list }));
    const certificate = await issue();
    const verdict = (await certificate.chain()) as VerifiedChain;
    const reason = async (by = verdict) => (await checks?.problemOf(certificate, by))?.reason;
    expect([await reason(), await reason(), asked]).toEqual([undefined, undefined, 1]);
    list = [{ cn: 'somebody' }];
    expect([await reason(), asked]).toEqual(['certificate_not_allowed', 1]);
    list = [count];
    expect([await reason(), asked]).toEqual([undefined, 2]);
    expect([await reason({ ...verdict }), asked]).toEqual([undefined, 3]);
  });
});

describe('profiles decide whether a certificate counts', () => {
  const psd2 = async (options: TestCertificateOptions): Promise<string | undefined> =>
    judge({ profile: 'psd2-qwac', issuers: [{ ca: ca.cert }] }, await issue(options));
  const roles = [roleDer('PSP_PI')];

  test('a QWAC with any combination of roles meets the profile of PSD2', async () => {
    for (const combination of ROLE_COMBINATIONS) {
      expect(await psd2(qwac(...combination))).toBeUndefined();
      const { psd2: said } = await presentedCertificate(await issue(qwac(...combination)));
      expect(said).toEqual({
        roles: combination,
        nca: { name: 'Federal Financial Supervisory Authority', id: 'DE-BAFIN' },
      });
    }
  });

  test.each<[string, TestCertificateOptions, string]>([
    ['no statements', { subject: TPP_SUBJECT }, 'certificate_profile_unmet'],
    [
      'the type of a seal',
      { subject: TPP_SUBJECT, extensions: [qualified({ types: [SEAL], roles })] },
      'certificate_profile_unmet',
    ],
    [
      'two types',
      { subject: TPP_SUBJECT, extensions: [qualified({ types: [WEB, SEAL], roles })] },
      'certificate_profile_unmet',
    ],
    ['no role', qwac(), 'certificate_profile_unmet'],
    [
      'a role with the name of another one',
      { subject: TPP_SUBJECT, extensions: [qualified({ roles: [roleDer('PSP_AI', 'PSP_PI')] })] },
      'certificate_profile_unmet',
    ],
    [
      'no organizationIdentifier',
      { ...qwac('PSP_PI'), subject: [{ CN: ['a'] }] },
      'certificate_profile_unmet',
    ],
    [
      'two of them',
      { ...qwac('PSP_PI'), subject: [...TPP_SUBJECT, ...TPP_SUBJECT] },
      'certificate_profile_unmet',
    ],
    [
      'one that is not of PSD2',
      { ...qwac('PSP_PI'), subject: [{ '2.5.4.97': ['VATDE-123456'] }] },
      'certificate_profile_unmet',
    ],
    [
      'no extended key usage',
      { subject: TPP_SUBJECT, extensions: [qualified({ roles }), purposes()] },
      'certificate_usage_not_allowed',
    ],
  ])('a certificate with %s does not meet the profile of PSD2', async (_, options, reason) => {
    expect(await psd2(options)).toBe(reason);
  });

  const BRAZIL: Readonly<Record<string, string>> = {
    C: 'BR',
    '1.3.6.1.4.1.311.60.2.1.3': 'BR',
    '2.5.4.15': 'Private Organization',
    '2.5.4.5': '12345678000195',
    '2.5.4.97': 'OFBBR-d7384bd0-842f-43c5-be02-9d2b2d5efc2c',
    '0.9.2342.19200300.100.1.1': 'bc97b8f0-cae0-4f2f-9978-d93f0e56a833',
    CN: 'client.example',
  };
  const KEY_USAGE = { oid: '2.5.29.15', critical: true, value: Buffer.from('030205a0', 'hex') };
  const brazil = async (differs: Readonly<Record<string, string>>, extensions = [KEY_USAGE]) =>
    judge(
      { profile: 'open-banking-brazil' },
      await issue({
        subject: Object.entries({ ...BRAZIL, ...differs }).flatMap(([type, value]) =>
          value === '' ? [] : [{ [type]: [value] }],
        ),
        extensions,
      }),
    );

  test('a certificate of Open Finance or Open Insurance Brasil meets the profile of Brazil, and without a part it does not', async () => {
    expect(await brazil({})).toBeUndefined();
    expect(await brazil({ '2.5.4.97': 'OPIBR-d7384bd0-842f-43c5-be02-9d2b2d5efc2c' })).toBeUndefined();
    for (const type of Object.keys(BRAZIL)) {
      expect(await brazil({ [type]: '' }), type).toBe(
        type === 'CN' ? undefined : 'certificate_profile_unmet',
      );
    }
    for (const [type, value] of [
      ['2.5.4.97', 'OFBBR-1'],
      ['2.5.4.5', '1'],
      ['2.5.4.15', 'Other'],
      ['C', 'PT'],
    ] as const) {
      expect(await brazil({ [type]: value })).toBe('certificate_profile_unmet');
    }
    expect(await brazil({}, [{ ...KEY_USAGE, critical: false }])).toBe('certificate_profile_unmet');
    expect(await brazil({}, [{ ...KEY_USAGE, value: Buffer.from('03020780', 'hex') }])).toBe(
      'certificate_profile_unmet',
    );
  });

  test('an X509-SVID meets the profile of SPIFFE, and a certificate that breaks one of its rules does not', async () => {
    const both = purposes(CLIENT_AUTH, SERVER_AUTH);
    const svid = async (options: TestCertificateOptions) =>
      judge(
        { profile: 'spiffe' },
        await issue({ subject: [], uris: ['spiffe://bank.example/a'], extensions: [both], ...options }),
      );
    expect(await svid({})).toBeUndefined();
    expect(await svid({ hosts: ['a.example'] })).toBeUndefined();
    expect(await svid({ extensions: [purposes()] })).toBeUndefined();
    const usage = (hex: string, critical = true) => ({
      oid: '2.5.29.15',
      critical,
      value: Buffer.from(hex, 'hex'),
    });
    const broken: readonly TestCertificateOptions[] = [
      { uris: [] },
      { uris: ['spiffe://bank.example/a', 'spiffe://bank.example/b'] },
      { uris: ['spiffe://bank.example'] },
      { extensions: [purposes(CLIENT_AUTH)] },
      { extensions: [both, usage('03020780', false)] },
      { extensions: [both, usage('03020284')] },
      { extensions: [both, usage('03020182')] },
      { extensions: [both, { oid: '2.5.29.19', critical: true, value: Buffer.from('30030101ff', 'hex') }] },
    ];
    for (const options of broken) {
      expect(await svid(options), JSON.stringify(options)).toBe('certificate_profile_unmet');
    }
  });
});

describe('the holder of a certificate', () => {
  const holder = async (policy: CertificatePolicyOptions, options: TestCertificateOptions) =>
    (await presentedCertificate(await issue(options), settingsOf(policy).policy)).principal;

  test('the principal is what the policy says, and none where there are several', async () => {
    const says = {
      subject: [{ O: ['Bank'] }, { CN: ['client'] }],
      hosts: ['a.example'],
      uris: ['urn:a'],
      emails: ['a@b.example'],
    };
    expect(await holder({}, says)).toBe('CN=client,O=Bank');
    expect(await holder({ principal: 'cn' }, says)).toBe('client');
    expect(await holder({ principal: 'san-dns' }, says)).toBe('a.example');
    expect(await holder({ principal: 'san-uri' }, says)).toBe('urn:a');
    expect(await holder({ principal: 'san-email' }, says)).toBe('a@b.example');
    expect(await holder({ principal: ({ organizations }) => organizations[0] }, says)).toBe('Bank');
    const several = { subject: [{ CN: ['a'] }, { CN: ['b'] }], hosts: ['a.example', 'b.example'] };
    for (const principal of ['cn', 'san-dns', 'san-uri'] as const) {
      expect(await holder({ principal }, several)).toBeUndefined();
      expect(await holder({ principal, defaultPrincipal: 'anyone' }, several)).toBe('anyone');
    }
    expect(await holder({}, { subject: [] })).toBeUndefined();
  });

  test('roles and names are said only where a CA vouches for them', async () => {
    const certificate = await issue({ ...qwac('PSP_PI'), uris: ['spiffe://bank.example/a'] });
    expect(await presentedCertificate(certificate)).toMatchObject({
      principal: 'CN=tpp.example,organizationIdentifier=PSDDE-BAFIN-123456,O=Example TPP GmbH,C=DE',
      spiffeId: 'spiffe://bank.example/a',
      organizationIdentifier: 'PSDDE-BAFIN-123456',
      psd2: { roles: ['PSP_PI'] },
    });
    const untrusted = { ...certificate, chain: () => unverified('x') };
    const described = await presentedCertificate(untrusted);
    for (const name of ['principal', 'spiffeId', 'organizationIdentifier', 'psd2'])
      expect(described).not.toHaveProperty(name);
  });
});

describe('what a policy looked at', () => {
  /** What is told to a handler. */
  async function outcomesFor(
    policy: CertificatePolicyOptions,
    certificate: ClientCertificate,
  ): Promise<unknown> {
    const settings = settingsOf(policy);
    const described = await presentedCertificate(certificate, settings.policy, certificateChecksOf(settings));
    return described.policy;
  }

  test('each field that is given is told in its order, with the entry that was met', async () => {
    const certificate = await issue({ uris: ['spiffe://bank.example/a'] });
    expect(await outcomesFor({}, certificate)).toEqual([
      { rule: 'extendedKeyUsage', found: expect.stringMatching(/clients|does not say/) as string },
    ]);
    const policy: CertificatePolicyOptions = {
      issuers: [{ dn: 'CN=Nobody' }, { ca: ca.cert }],
      deny: [{ cn: 'x' }],
      allow: [{ cn: 'y' }, { cn: 'client' }],
    };
    const outcomes = await outcomesFor(policy, certificate);
    expect(outcomes).toEqual([
      expect.objectContaining({ rule: 'extendedKeyUsage' }),
      { rule: 'issuers', entry: 1, found: 'issuers[1] stands above it' },
      { rule: 'deny', found: 'no rule is for it' },
      { rule: 'allow', entry: 1, found: 'allow[1] is for it' },
    ]);
    expect(
      await outcomesFor({ profile: 'spiffe' }, await issue({ extensions: [purposes(CLIENT_AUTH)] })),
    ).toEqual([{ rule: 'extendedKeyUsage', found: 'it is for clients' }]);
  });

  test('a profile that is met is named, and what a handler changes lives nowhere on', async () => {
    const certificate = await issue(qwac('PSP_PI'));
    const policy: CertificatePolicyOptions = { profile: 'psd2-qwac', issuers: [{ ca: ca.cert }] };
    const checks = certificateChecksOf(settingsOf(policy));
    const first = await presentedCertificate(certificate, undefined, checks);
    expect(first.policy?.map(({ rule, found }) => `${rule}: ${found}`)).toEqual([
      'extendedKeyUsage: it is for clients',
      'profile: it is one of psd2-qwac',
      'issuers: issuers[0] stands above it',
    ]);
    for (const outcome of first.policy ?? []) Object.assign(outcome, { found: 'changed' });
    const again = await presentedCertificate(certificate, undefined, checks);
    expect(JSON.stringify(again.policy)).not.toContain('changed');
  });

  test('nothing is told without a policy, of a digest, or where no chain is verified', async () => {
    const certificate = await issue();
    expect(await presentedCertificate(certificate)).not.toHaveProperty('policy');
    const checks = certificateChecksOf(settingsOf({}));
    const untrusted = { ...certificate, chain: () => unverified('x') };
    expect(await presentedCertificate(untrusted, undefined, checks)).not.toHaveProperty('policy');
    const digest = { ...certificate, identity: { subject: '', subjectAltNames: [] } };
    expect((await presentedCertificate(digest, undefined, checks)).policy).toEqual([]);
    expect(
      await outcomesFor(
        { extendedKeyUsage: 'required' },
        await issue({ extensions: [purposes(SERVER_AUTH)] }),
      ),
    ).toEqual([]);
  });
});

describe('the client of a token', () => {
  const token = (clientId: string | undefined): TokenDescription =>
    ({ issuer: 'https://as.example.com', clientId, subject: undefined }) as TokenDescription;
  const judgeClient = async (
    client: CertificatePolicyOptions['client'],
    options: TestCertificateOptions,
    clientId: string | undefined,
  ) => {
    const check = clientCheckOf(settingsOf(client === undefined ? {} : { client }));
    const certificate = await issue(options);
    const twice = [check?.(certificate, token(clientId)), check?.(certificate, token(clientId))].map(
      (found) => found?.reason,
    );
    expect(twice[0]).toBe(twice[1]);
    return twice[0];
  };

  test('the only CN of a certificate, or its SPIFFE id, must be the client id, where that is asked', async () => {
    const mismatch = 'certificate_client_mismatch';
    expect(clientCheckOf(settingsOf({}))).toBeUndefined();
    expect(await judgeClient('subject-is-client-id', {}, 'client')).toBeUndefined();
    for (const clientId of ['Client', 'CN=client', undefined]) {
      expect(await judgeClient('subject-is-client-id', {}, clientId)).toBe(mismatch);
    }
    expect(await judgeClient('subject-is-client-id', { subject: [] }, undefined)).toBe(mismatch);
    expect(
      await judgeClient('subject-is-client-id', { subject: [{ CN: ['client'] }, { CN: ['x'] }] }, 'client'),
    ).toBe(mismatch);
    expect(await judgeClient('spiffe', { uris: ['spiffe://a/b'] }, 'spiffe://a/b')).toBeUndefined();
    expect(await judgeClient('spiffe', { uris: ['spiffe://a/b'] }, 'spiffe://a/c')).toBe(mismatch);
    expect(await judgeClient('spiffe', {}, undefined)).toBe(mismatch);
  });

  test('a function of the app is asked by certificate and token, and only true will do', async () => {
    expect(
      await judgeClient(({ commonNames }, { clientId }) => commonNames[0] === clientId, {}, 'client'),
    ).toBeUndefined();
    expect(await judgeClient(() => 1 as unknown as boolean, {}, 'client')).toBe(
      'certificate_client_mismatch',
    );
    const fails = (): never => {
      throw new Error('down');
    };
    expect(await judgeClient(fails, {}, 'client')).toBe('certificate_policy_unusable');
  });
});
