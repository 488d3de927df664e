import { Logger } from '@nestjs/common';
import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HeaderCertificateSettings } from '../../lib/client-certificate/certificate-settings.js';
import type {
  ClientCertificate,
  ClientCertificateFinding,
} from '../../lib/client-certificate/client-certificate.js';
import { forwardedClientCertificate } from '../../lib/client-certificate/forwarded-client-certificate.js';
import type { HttpRequest } from '../../lib/request/http-request.js';
import { chainErrorOf } from '../support/chain-verdicts.js';

let ca: TestCertificateAuthority;
let intermediate: TestCertificateAuthority;
let client: TestCertificate;
beforeAll(async () => {
  ca = await TestCertificateAuthority.create();
  intermediate = await ca.issueIntermediate();
  client = await intermediate.issueClientCertificate('client1');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Settings = Partial<HeaderCertificateSettings>;
type Find = (headers: readonly string[], peer?: string) => ClientCertificateFinding;

/** Finds the certificate of a request with these raw headers, of a peer that is trusted unless told otherwise. */
function finder(settings: Settings = {}): Find {
  const find = forwardedClientCertificate({
    from: 'header',
    header: 'x-cert',
    policy: undefined,
    format: 'rfc9440',
    trustedProxies: ['loopback'],
    trust: 'proxy',
    chainHeader: undefined,
    verifyHeader: undefined,
    revocation: undefined,
    ...settings,
  });
  return (rawHeaders, ...[peer]) => {
    const remoteAddress = peer === 'gone' ? undefined : (peer ?? '127.0.0.1');
    return find({ rawHeaders, socket: { remoteAddress } } as unknown as HttpRequest);
  };
}

const item = ({ der }: { readonly der: Uint8Array }): string => `:${Buffer.from(der).toString('base64')}:`;

function found(finding: ClientCertificateFinding): ClientCertificate {
  if (finding.kind === 'none') throw new Error(finding.detail);
  return finding.certificate;
}

const refusal = (reason: string, detail: unknown): Error =>
  expect.objectContaining({ refusal: { status: 400, code: 'invalid_request' }, reason, detail }) as Error;

describe('RFC9440: the header of a trusted proxy', () => {
  test('an absent header, or one that says that there is no certificate, means no certificate', () => {
    const find = finder();
    const none = {
      kind: 'none',
      reason: 'certificate_missing',
      detail: 'no certificate in the header x-cert',
    };
    expect(find([])).toEqual(none);
    expect(find(['X-Host', item(client)])).toEqual(none);
    expect(find(['X-Cert', item(client)])).toMatchObject({ kind: 'found' });
    expect(find(['X-Cert', ''])).toEqual(none);
  });

  test('a repeated or malformed header is 400', () => {
    const find = finder();
    expect(() => find(['X-Cert', item(client), 'x-cert', item(client)])).toThrow(
      refusal('certificate_header_repeated', 'more than one header x-cert'),
    );
    expect(() => find(['X-Cert', 'rubbish'])).toThrow(
      refusal('certificate_header_malformed', expect.stringMatching(/^the header x-cert: ./)),
    );
  });

  test('the log repeats the verdict of the proxy when it is not the required one', async () => {
    const find = finder({ verifyHeader: { name: 'x-verify', value: 'SUCCESS' } });
    const errorWith = async (...verdict: readonly string[]): Promise<unknown> =>
      chainErrorOf(found(find(['X-Cert', item(client), ...verdict])));
    for (const verdict of [[], ['X-Verify', ''], ['X-Verify', 'NONE']]) {
      expect(await errorWith(...verdict)).toBe('the header x-verify is not SUCCESS');
    }
    await expect(errorWith('X-Verify', 'SUCCESS', 'X-Verify', 'SUCCESS')).rejects.toThrow(
      refusal('certificate_header_repeated', 'more than one header x-verify'),
    );
  });

  test('INV5: a header value is read once, those of ten thousand clients are remembered, and not of any number', () => {
    const find = finder({ format: { xfcc: { hashAlone: true } } });
    const header = (index: number): string[] => ['X-Cert', `Hash=${index.toString(16).padStart(64, '0')}`];
    const identityOf = (index: number): unknown => found(find(header(index))).identity;
    const [first, second] = [identityOf(1), identityOf(2)];
    for (let index = 3; index <= 10_000; index += 1) identityOf(index);
    expect(identityOf(1)).toBe(first);
    for (let index = 10_001; index <= 35_000; index += 1) {
      identityOf(index);
      if (index % 5000 === 0) expect(identityOf(1)).toBe(first);
    }
    expect(identityOf(2)).not.toBe(second);
  });

  test('INV5: values that differ before their ends alone are told apart, and each of them is read once', () => {
    const find = finder({ format: { xfcc: { hashAlone: true } } });
    const ending = `;URI=spiffe://example.com/${'a'.repeat(200)}`;
    const certificateOf = (digit: string): ClientCertificate =>
      found(find(['X-Cert', `Hash=${digit.repeat(64)}${ending}`]));
    const digits = ['1', '2', '3'];
    const first = digits.map((digit) => certificateOf(digit));
    expect(new Set(first.map(({ thumbprint }) => thumbprint)).size).toBe(digits.length);
    const again = digits.map((digit) => certificateOf(digit));
    expect(again.every((certificate, index) => certificate === first[index])).toBe(true);
  });

  test('a certificate known by its digest alone has the names that the proxy gives, and is valid at any time', async () => {
    const hash = Buffer.from(client.thumbprint, 'base64url').toString('hex');
    const certificate = found(
      finder({ format: { xfcc: { hashAlone: true } } })(['X-Cert', `Hash=${hash};URI=urn:a`]),
    );
    expect(certificate).toMatchObject({
      thumbprint: client.thumbprint,
      identity: { subject: '', subjectAltNames: ['URI:urn:a'] },
      notBefore: -8.64e15,
      notAfter: 8.64e15,
    });
    expect(await chainErrorOf(certificate)).toBeUndefined();
    const verifying = finder({ format: { xfcc: { hashAlone: true } }, trust: { ca: ca.cert } });
    expect(await chainErrorOf(found(verifying(['X-Cert', `Hash=${hash}`])))).toBe(
      'of the certificate only a digest is known',
    );
  });
});

describe('RFC9440: the chain in a header of its own', () => {
  const verifying = (): Find => finder({ chainHeader: 'x-chain', trust: { ca: ca.cert } });
  const errorWith = async (find: Find, ...chain: readonly string[]): Promise<string | undefined> =>
    chainErrorOf(found(find(['X-Cert', item(client), ...chain.flatMap((line) => ['X-Chain', line])])));

  test('the chain is read across lines and commas, and empty members are skipped', async () => {
    const find = verifying();
    expect(await errorWith(find)).toBeDefined();
    const chain = item(intermediate);
    for (const lines of [[chain], [`${chain},`], [`, ${chain} `], ['', chain], [item(client), chain]]) {
      expect([lines, await errorWith(find, ...lines)]).toEqual([lines, undefined]);
    }
  });

  test('the chain has at most ten certificates', async () => {
    const find = verifying();
    const members = Array.from({ length: 10 }, () => item(intermediate));
    expect(await errorWith(find, ...members)).toBeUndefined();
    await expect(errorWith(find, [...members, members[0]].join())).rejects.toThrow(
      refusal('certificate_header_malformed', 'the header x-chain: it has over 10 certificates'),
    );
  });

  test('a malformed chain is 400, but is not even read where nobody verifies it here', async () => {
    await expect(errorWith(verifying(), 'rubbish')).rejects.toThrow(
      refusal('certificate_header_malformed', expect.stringMatching(/^the header x-chain: ./)),
    );
    expect(await errorWith(finder({ chainHeader: 'x-chain' }), 'rubbish')).toBeUndefined();
    const ofHeaderAlone = await errorWith(finder({ trust: { ca: ca.cert } }), item(intermediate));
    expect(ofHeaderAlone).toBe(await errorWith(verifying()));
  });
});

/** Stops the clock that caches go by; what it returns lets milliseconds pass. */
function holdTime(): (milliseconds: number) => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  return (milliseconds) => {
    now += milliseconds;
    vi.advanceTimersByTime(milliseconds);
  };
}

describe('INV2: the header of anyone else', () => {
  test('a header from an untrusted sender is ignored, and the log names each sender once a minute', () => {
    const pass = holdTime();
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const find = finder();
    const detail = (peer: string): string => `${peer} sent the header x-cert and is none of trustedProxies`;
    const ignored = (peer: string): object => ({
      kind: 'none',
      reason: 'certificate_header_untrusted',
      detail: detail(peer),
    });
    const line = (peer: string): readonly string[] => [
      `ignored reason=certificate_header_untrusted detail="${detail(peer)}"`,
    ];
    const certificate = ['X-Cert', item(client)];
    expect(find([], '10.0.0.1')).toMatchObject({ reason: 'certificate_missing' });
    expect(warn).not.toHaveBeenCalled();
    expect(find(certificate, '10.0.0.1')).toEqual(ignored('10.0.0.1'));
    expect(find(['X-Cert', 'a', 'X-Cert', 'b'], '10.0.0.1')).toEqual(ignored('10.0.0.1'));
    expect(find(certificate, 'gone')).toEqual(ignored('unknown'));
    expect(warn.mock.calls).toEqual([line('10.0.0.1'), line('unknown')]);
    pass(59_999);
    find(certificate, '10.0.0.1');
    expect(warn).toHaveBeenCalledTimes(2);
    pass(2);
    find(certificate, '10.0.0.1');
    expect(warn).toHaveBeenCalledTimes(3);
  });
});
