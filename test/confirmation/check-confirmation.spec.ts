import { X509Certificate } from 'node:crypto';
import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Confirmation } from '../../lib/decision.js';
import {
  checkCertificateCounts,
  checkConfirmation,
  type ProofOfPossession,
} from '../../lib/confirmation/check-confirmation.js';
import {
  CertificateChecks,
  type CertificateProblem,
} from '../../lib/client-certificate/certificate-checks.js';
import { SeenCertificates } from '../../lib/client-certificate/seen-certificates.js';
import {
  type ClientCertificate,
  type ClientCertificateFinding,
  describeX509,
} from '../../lib/client-certificate/client-certificate.js';
import { unverified, VOUCHED_FOR } from '../../lib/client-certificate/chain/chain-verdict.js';

let ca: TestCertificateAuthority;
let client: TestCertificate;
let renewed: TestCertificate;
let other: TestCertificate;
beforeAll(async () => {
  ca = await TestCertificateAuthority.create();
  [client, renewed, other] = await Promise.all([
    ca.issueClientCertificate('client1'),
    ca.issueClientCertificate('client1'),
    ca.issueClientCertificate('client2'),
  ]);
});

const KEY = 'k'.repeat(43);

function certificateOf(
  { cert }: TestCertificate,
  chain: ClientCertificate['chain'] = () => VOUCHED_FOR,
): ClientCertificate {
  return describeX509(new X509Certificate(cert), chain);
}

const found = (certificate: ClientCertificate): ClientCertificateFinding => ({ kind: 'found', certificate });

/** A caller with the certificate of {@link client} and no proof of a key, who comes by Bearer unless told otherwise. */
function caller(differs: Partial<ProofOfPossession> = {}): ProofOfPossession {
  return {
    scheme: 'Bearer',
    certificate: found(certificateOf(client)),
    seenCertificates: new SeenCertificates(),
    trust: 'ca',
    certificateChecks: undefined,
    checkProof: () => {
      throw new Error('no proof is needed');
    },
    ...differs,
  };
}

/** Checks it in a promise, whether or not it is decided at once. */
async function check(
  confirmation: Confirmation | undefined,
  possession: ProofOfPossession,
  binding: 'required' | 'if-bound' = 'required',
  now = Date.now(),
): Promise<unknown> {
  return checkConfirmation(confirmation, binding, possession, now);
}

const refusal = (reason: string, detail?: unknown): object => ({
  refusal: { status: 401, code: 'invalid_token' },
  reason,
  detail,
});

describe('INV1: a token that is bound to nothing', () => {
  test('an unbound token is refused where binding is required, and elsewhere has proved nothing', async () => {
    await expect(check(undefined, caller())).rejects.toMatchObject(
      refusal('confirmation_missing', 'the token has no cnf: it is bound to nothing'),
    );
    expect(await check(undefined, caller(), 'if-bound')).toEqual({ boundBy: [] });
  });

  test('a token whose cnf holds no key is refused under either policy', async () => {
    for (const binding of ['required', 'if-bound'] as const) {
      await expect(check({}, caller(), binding)).rejects.toMatchObject(refusal('confirmation_unsupported'));
    }
  });
});

test('RFC9449-4: a token is accepted with the scheme that fits its keys, and with no other', async () => {
  const mismatch = (needed: string, scheme: string): object =>
    refusal('scheme_mismatch', `such a token is to be sent as ${needed}, not ${scheme}`);
  for (const confirmation of [{ jwkThumbprint: KEY }, { jwkThumbprint: KEY, certificateThumbprint: KEY }]) {
    await expect(check(confirmation, caller())).rejects.toMatchObject(mismatch('DPoP', 'Bearer'));
  }
  for (const confirmation of [undefined, {}, { certificateThumbprint: client.thumbprint }]) {
    await expect(check(confirmation, caller({ scheme: 'DPoP' }), 'if-bound')).rejects.toMatchObject(
      mismatch('Bearer', 'DPoP'),
    );
  }
});

describe('RFC8705-1: the certificate of the caller', () => {
  const bound = (): Confirmation => ({ certificateThumbprint: client.thumbprint });

  test('the caller must present the certificate that the token is bound to', async () => {
    expect(await check(bound(), caller())).toEqual({ boundBy: ['certificate'] });
    expect(checkConfirmation(bound(), 'required', caller(), Date.now()), 'it is decided at once').toEqual({
      boundBy: ['certificate'],
    });
    await expect(check(bound(), caller({ certificate: found(certificateOf(other)) }))).rejects.toMatchObject(
      refusal(
        'certificate_mismatch',
        `the token is bound to ${client.thumbprint}, the client presented ${other.thumbprint}`,
      ),
    );
  });

  test('a missing certificate is refused for the reason that its source gives', async () => {
    const none = { kind: 'none', reason: 'certificate_header_untrusted', detail: 'why' } as const;
    await expect(check(bound(), caller({ certificate: none }))).rejects.toMatchObject(
      refusal('certificate_header_untrusted', 'why'),
    );
  });

  test('a certificate is accepted from the first to the last moment of its validity', async () => {
    const [notBefore, notAfter] = [1000, 2000];
    const at = async (now: number, dates: object = { notBefore, notAfter }): Promise<unknown> =>
      check(bound(), caller({ certificate: found({ ...certificateOf(client), ...dates }) }), 'required', now);
    for (const now of [1000, 1500, 2000]) expect(await at(now)).toEqual({ boundBy: ['certificate'] });
    await expect(at(999)).rejects.toMatchObject(refusal('certificate_not_yet_valid'));
    await expect(at(2001)).rejects.toMatchObject(refusal('certificate_expired'));
    await expect(at(1500, { notAfter: Number.NaN })).rejects.toMatchObject(refusal('certificate_expired'));
    await expect(at(1500, { notBefore: Number.NaN, notAfter })).rejects.toMatchObject(
      refusal('certificate_not_yet_valid'),
    );
  });

  test('a certificate is accepted when its chain is valid, or when any chain is trusted', async () => {
    for (const chain of [() => unverified('why'), async () => unverified('why')]) {
      const certificate = found(certificateOf(client, chain));
      await expect(check(bound(), caller({ certificate }))).rejects.toMatchObject(
        refusal('certificate_untrusted', 'why'),
      );
      expect(await check(bound(), caller({ certificate, trust: 'any' }))).toEqual({
        boundBy: ['certificate'],
      });
    }
    const certificate = found(certificateOf(client, async () => VOUCHED_FOR));
    expect(await check(bound(), caller({ certificate }))).toEqual({ boundBy: ['certificate'] });
  });

  test('a mismatch that can be explained is explained in the log, as by a renewed certificate or a CA', async () => {
    const seenCertificates = new SeenCertificates();
    const mismatchOf = async (
      certificate: ClientCertificate,
      expected = client.thumbprint,
    ): Promise<string> => {
      const possession = caller({ seenCertificates, certificate: found(certificate) });
      const error: unknown = await check({ certificateThumbprint: expected }, possession).catch(
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ reason: 'certificate_mismatch' });
      return (error as { readonly detail: string }).detail;
    };
    const plain = `the token is bound to ${client.thumbprint}, the client presented ${renewed.thumbprint}`;
    const ofRenewed = { ...certificateOf(renewed), issuers: () => [] };
    expect(await mismatchOf(ofRenewed)).toBe(plain);
    const distrusted = caller({
      seenCertificates,
      certificate: found(certificateOf(client, () => unverified('why'))),
    });
    await expect(check(bound(), distrusted)).rejects.toThrow();
    expect(await mismatchOf(ofRenewed), 'one that did not count was not seen').toBe(plain);
    await check(bound(), caller({ seenCertificates }));
    expect(await mismatchOf(ofRenewed)).toBe(
      `${plain}: the client presented a certificate with this thumbprint before: ` +
        'it has been renewed since the token was issued',
    );
    const issuers = (): readonly X509Certificate[] => [new X509Certificate(ca.cert)];
    const caThumbprint = Buffer.from(
      new X509Certificate(ca.cert).fingerprint256.replaceAll(':', ''),
      'hex',
    ).toString('base64url');
    expect(await mismatchOf({ ...certificateOf(other), issuers }, caThumbprint)).toContain(
      'the token has the thumbprint of the CA',
    );
    const identity = { subject: 'CN=client1', subjectAltNames: [] };
    expect(await mismatchOf({ ...ofRenewed, identity })).toBe(plain);
  });

  test('a certificate known by its digest alone is checked like any other, but its names explain nothing', async () => {
    const certificate = found({
      ...certificateOf(client),
      identity: { subject: 'CN=client1', subjectAltNames: [] },
    });
    const seenCertificates = new SeenCertificates();
    expect(await check(bound(), caller({ certificate, seenCertificates }))).toEqual({
      boundBy: ['certificate'],
    });
    const presented = found({ ...certificateOf(renewed), issuers: () => [] });
    await expect(check(bound(), caller({ certificate: presented, seenCertificates }))).rejects.toMatchObject(
      refusal(
        'certificate_mismatch',
        `the token is bound to ${client.thumbprint}, the client presented ${renewed.thumbprint}`,
      ),
    );
  });
});

describe('RFC9449-1: the key of the caller', () => {
  const byKey = (checkProof: ProofOfPossession['checkProof']): ProofOfPossession =>
    caller({ scheme: 'DPoP', checkProof });

  test('the proof must be by the key of the token, and what the proof leads to is passed on', async () => {
    const asked: string[] = [];
    const possession = byKey(async (thumbprint) => {
      asked.push(thumbprint);
      return { nextNonce: 'next' };
    });
    expect(await check({ jwkThumbprint: KEY }, possession)).toEqual({ boundBy: ['dpop'], nextNonce: 'next' });
    expect(asked).toEqual([KEY]);
    const refused = byKey(async () => Promise.reject(new Error('no proof')));
    await expect(check({ jwkThumbprint: KEY }, refused)).rejects.toThrow('no proof');
  });

  test('INV1: a token with a certificate and a key has both checked, and no proof is used up in vain', async () => {
    let proofs = 0;
    const possession = byKey(() => {
      proofs += 1;
      return { nextNonce: undefined };
    });
    const both = (certificateThumbprint: string): Confirmation => ({
      certificateThumbprint,
      jwkThumbprint: KEY,
    });
    await expect(check(both(other.thumbprint), possession)).rejects.toMatchObject({
      reason: 'certificate_mismatch',
    });
    expect(proofs).toBe(0);
    expect(await check(both(client.thumbprint), possession)).toEqual({ boundBy: ['certificate', 'dpop'] });
    expect(proofs).toBe(1);
  });
});

describe('what else must hold of a certificate', () => {
  const by = (problem: CertificateProblem | undefined): CertificateChecks =>
    new CertificateChecks([{ problemOf: () => problem }]);
  const bound = (): Confirmation => ({ certificateThumbprint: client.thumbprint });

  test('a certificate that a check speaks against is refused by its reason, and one that cannot be checked is 503', async () => {
    const refused = { reason: 'certificate_untrusted', detail: 'why' } as const;
    await expect(check(bound(), caller({ certificateChecks: by(refused) }))).rejects.toMatchObject(
      refusal('certificate_untrusted', 'why'),
    );
    const unknown = { reason: 'replay_store_unavailable', detail: 'down' } as const;
    await expect(check(bound(), caller({ certificateChecks: by(unknown) }))).rejects.toMatchObject({
      refusal: { status: 503 },
      ...unknown,
    });
    expect(await check(bound(), caller({ certificateChecks: by(undefined) }))).toEqual({
      boundBy: ['certificate'],
    });
  });
});

test('INV2: a certificate on a public route is accepted by the same validity and chain', async () => {
  const certificate = { ...certificateOf(client, () => unverified('why')), notBefore: 1000, notAfter: 2000 };
  const counts = async (now: number, trust: 'ca' | 'any'): Promise<unknown> =>
    Promise.resolve().then(() =>
      checkCertificateCounts(certificate, { trust, certificateChecks: undefined }, now),
    );
  expect(await counts(1500, 'any')).toBeUndefined();
  await expect(counts(1500, 'ca')).rejects.toMatchObject(refusal('certificate_untrusted', 'why'));
  await expect(counts(2001, 'any')).rejects.toMatchObject(refusal('certificate_expired'));
});
