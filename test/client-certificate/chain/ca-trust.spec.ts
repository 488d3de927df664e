import { beforeAll, describe, expect, test } from 'vitest';
import { CaTrustError, readCaTrust } from '../../../lib/client-certificate/chain/ca-trust.js';
import { chainVerifier } from '../../../lib/client-certificate/chain/chain-verifier.js';
import { version1Authority } from '../../support/openssl.js';
import { issue, type Party } from './parties.js';

let root: Party;
let middle: Party;
let low: Party;
let leaf: Party;
let other: Party;
beforeAll(async () => {
  [root, other] = [await issue('root', { ca: true }), await issue('other', { ca: true })];
  middle = await issue('middle', { ca: true, issuer: root });
  low = await issue('low', { ca: true, issuer: middle });
  leaf = await issue('leaf', { issuer: low });
});

const pem = (...parties: readonly Party[]): string =>
  parties.map(({ certificate }) => certificate.toString()).join('');
const names = (certificates: readonly { readonly subject: string }[]): readonly string[] =>
  certificates.map(({ subject }) => subject);

/** Which field is wrong, and why. */
function faultIn(trust: Parameters<typeof readCaTrust>[0]): readonly [string, string] {
  try {
    readCaTrust(trust);
  } catch (error) {
    if (error instanceof CaTrustError) return [error.field, error.message];
  }
  return ['', 'it was accepted'];
}

describe('RFC5280-6.1.1: the CAs where a path may end', () => {
  test('Roots of ca are trusted, and what is no root is between them and clients', () => {
    const { anchors, between } = readCaTrust({ ca: [pem(root, middle)], intermediates: pem(low) });
    expect([names(anchors), names(between)]).toEqual([['CN=root'], ['CN=middle', 'CN=low']]);
    expect(readCaTrust({ ca: version1Authority().root }).anchors).toHaveLength(1);
  });

  test('A CA of ca that is no root stops the boot where no root is there that it leads to', () => {
    const why = expect.stringMatching(/^CN=middle is no root .* partialChains: true, and read/) as string;
    expect(faultIn({ ca: pem(middle) })).toEqual(['ca', why]);
    expect(faultIn({ ca: [pem(other), pem(middle)] })).toEqual(['ca', why]);
    expect(faultIn({ ca: pem(low, root) })[1]).toMatch(/^CN=low is no root/);
    expect(faultIn({ ca: pem(low, root), intermediates: pem(middle) })[1]).toBe('it was accepted');
  });

  test('CAs that have signed one another in a circle lead to no root', async () => {
    const [one, two] = [await issue('one', { ca: true }), await issue('two', { ca: true })];
    const oneByTwo = await issue('one', { ca: true, issuer: two, keys: one.keys });
    const twoByOne = await issue('two', { ca: true, issuer: one, keys: two.keys });
    expect(faultIn({ ca: pem(root, oneByTwo, twoByOne) })[1]).toMatch(/^CN=one is no root/);
    expect(faultIn({ ca: pem(one, oneByTwo, twoByOne) })[1]).toBe('it was accepted');
  });

  test('With partialChains a path ends at any CA of ca, and at no other', () => {
    const trust = { ca: pem(middle), partialChains: true };
    expect(chainVerifier({ ...trust, intermediates: pem(low) })(leaf.certificate, [])).toMatchObject({
      path: [leaf, low, middle].map(({ certificate: { subject } }) => ({ subject })),
    });
    expect(chainVerifier(trust)(leaf.certificate, [])).toMatchObject({
      kind: 'unverified',
      reason: 'certificate_path_incomplete',
    });
    const below = { ca: pem(other), intermediates: pem(middle, low), partialChains: true };
    expect(chainVerifier(below)(leaf.certificate, [])).toMatchObject({
      reason: 'certificate_path_incomplete',
      error: expect.stringContaining('the CA that has issued CN=middle is not known (its name: CN=root)'),
    });
  });

  test('A root among the intermediates stops the boot, unless it is in ca as well', () => {
    const why = expect.stringMatching(/^CN=other is a root .* put it into ca/) as string;
    expect(faultIn({ ca: pem(root), intermediates: pem(middle, other) })).toEqual(['intermediates', why]);
    expect(faultIn({ ca: pem(root), intermediates: pem(middle, root) })[1]).toBe('it was accepted');
  });

  test('What is no CA is named with its field', () => {
    expect(faultIn({ ca: pem(leaf) })).toEqual(['ca', 'CN=leaf is not the certificate of a CA']);
    expect(faultIn({ ca: pem(root), intermediates: pem(leaf) })).toEqual([
      'intermediates',
      'CN=leaf is not the certificate of a CA',
    ]);
    expect(faultIn({ ca: pem(root), intermediates: [''] })[0]).toBe('intermediates');
  });
});

describe('RFC5280-6: a path that cannot be built is told from one that is invalid', () => {
  test('A self-signed certificate, and a chain up to a root that is not trusted, are untrusted', async () => {
    const verify = chainVerifier({ ca: pem(root) });
    const self = await issue('self');
    expect(verify(self.certificate, [])).toMatchObject({ reason: 'certificate_untrusted' });
    const foreign = await issue('foreign', { issuer: other });
    expect(verify(foreign.certificate, [other.certificate.raw])).toMatchObject({
      reason: 'certificate_untrusted',
      error: 'no path leads to a trusted CA',
    });
    expect(verify(foreign.certificate, [])).toMatchObject({ reason: 'certificate_path_incomplete' });
  });

  test('The certificate that is named is the last one whose issuer is missing', () => {
    const verify = chainVerifier({ ca: pem(root) });
    expect(verify(leaf.certificate, [low.certificate.raw])).toMatchObject({
      error: expect.stringContaining('the CA that has issued CN=low is not known (its name: CN=middle)'),
    });
    expect(
      verify(
        leaf.certificate,
        [low, middle].map(({ certificate }) => certificate.raw),
      ).kind,
    ).toBe('verified');
  });
});
