import { X509Certificate } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, expect, test } from 'vitest';
import type { CustomClientCertificateOptions } from '../../lib/cert-bound-auth.options.js';
import { createCertificateSource } from '../../lib/client-certificate/certificate-source.js';
import {
  type ClientCertificateFinding,
  tlsClientCertificate,
} from '../../lib/client-certificate/client-certificate.js';
import { rememberedCertificate } from '../../lib/nest/exchange/remembered-certificate.js';
import type { HttpRequest } from '../../lib/request/http-request.js';
import { chainErrorOf } from '../support/chain-verdicts.js';

let ca: TestCertificateAuthority;
let client: TestCertificate;
beforeAll(async () => {
  ca = await TestCertificateAuthority.create();
  client = await ca.issueClientCertificate('client1');
});

const REQUEST = { name: 'the request' } as unknown as HttpRequest;

function findBy(
  find: CustomClientCertificateOptions['find'],
  trust: CustomClientCertificateOptions['trust'] = 'proxy',
): ClientCertificateFinding {
  return createCertificateSource({ from: 'custom', find, trust, policy: undefined, revocation: undefined })(
    REQUEST,
  );
}

test('INV2: the certificate that find returns for a request is the certificate of that request', async () => {
  for (const text of [client.cert, client.der]) {
    const finding = findBy((request) => (request === REQUEST ? text : undefined), { ca: ca.cert });
    expect(finding).toMatchObject({ kind: 'found', certificate: { thumbprint: client.thumbprint } });
    if (finding.kind === 'found') expect(await chainErrorOf(finding.certificate)).toBeUndefined();
  }
});

test('INV2: the certificate is looked for where the configuration says, and its chain is verified as it says', async () => {
  expect(
    createCertificateSource({ from: 'tls', trust: 'ca', policy: undefined, revocation: undefined }),
  ).toBe(tlsClientCertificate);
  const foreign = findBy(() => client.der, { ca: (await TestCertificateAuthority.create()).cert });
  if (foreign.kind === 'none') throw new Error(foreign.detail);
  expect(await chainErrorOf(foreign.certificate)).toEqual(expect.any(String));
  const fromHeader = createCertificateSource({
    from: 'header',
    header: 'x-cert',
    format: 'der',
    trustedProxies: ['loopback'],
    trust: 'proxy',
    chainHeader: undefined,
    verifyHeader: undefined,
    policy: undefined,
    revocation: undefined,
  });
  expect(fromHeader({ rawHeaders: [] } as unknown as HttpRequest)).toMatchObject({
    detail: 'no certificate in the header x-cert',
  });
});

test.each([undefined, null])('a find that returns %s means that there is no certificate', (nothing) => {
  expect(findBy(() => nothing as undefined)).toEqual({
    kind: 'none',
    reason: 'certificate_missing',
    detail: 'find returned no certificate',
  });
});

test('RFC8705-1: an error of find, or a result that is not a certificate, is 401 with the cause', () => {
  const cause = new Error('of the function');
  const refused = (members: object): Error =>
    expect.objectContaining({
      refusal: { status: 401, code: 'invalid_token' },
      reason: 'certificate_source_failed',
      ...members,
    }) as Error;
  expect(() =>
    findBy(() => {
      throw cause;
    }),
  ).toThrow(refused({ detail: 'of the function', cause }));
  expect(() => findBy(() => 'rubbish')).toThrow(refused({ cause: expect.any(Error) as Error }));
});

test('INV2: the certificate of a connection is read once, and stays known after the client has hung up', () => {
  const connection = new Socket();
  let read = 0;
  const certificate = (): X509Certificate => {
    read += 1;
    return new X509Certificate(client.cert);
  };
  const requests = [1, 2].map(() => new IncomingMessage(connection) as HttpRequest & IncomingMessage);
  const [first, second] = requests as [HttpRequest & IncomingMessage, HttpRequest & IncomingMessage];
  Object.assign(connection, { getPeerX509Certificate: certificate, authorized: true });
  const found = tlsClientCertificate(first);
  expect(found).toMatchObject({ kind: 'found', certificate: { thumbprint: client.thumbprint } });
  expect(tlsClientCertificate(second)).toBe(found);
  expect(read).toBe(1);
  // A guard has asked for it, and a handler asks when the client has gone.
  expect(rememberedCertificate(first)).toBe(found);
  first.socket = new Socket();
  expect(rememberedCertificate(first)).toBe(found);
});

test('INV2: a connection without TLS has no certificate', () => {
  const request = new IncomingMessage(new Socket()) as HttpRequest & IncomingMessage;
  expect(tlsClientCertificate(request)).toMatchObject({ kind: 'none', reason: 'certificate_missing' });
});
