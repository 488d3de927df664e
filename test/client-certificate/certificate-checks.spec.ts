import { X509Certificate } from 'node:crypto';
import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, expect, test } from 'vitest';
import {
  type CertificateCheck,
  CertificateChecks,
  type CertificateProblem,
  type VerifiedChain,
} from '../../lib/client-certificate/certificate-checks.js';
import { unverified, VOUCHED_FOR } from '../../lib/client-certificate/chain/chain-verdict.js';
import { chainVerifier } from '../../lib/client-certificate/chain/chain-verifier.js';
import { type ClientCertificate, describeX509 } from '../../lib/client-certificate/client-certificate.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { ResourceServer } from '../../lib/resource-server.js';

let ca: TestCertificateAuthority;
let client: TestCertificate;
let certificate: ClientCertificate;
beforeAll(async () => {
  ca = await TestCertificateAuthority.create();
  client = await ca.issueClientCertificate('client1');
  certificate = describeX509(new X509Certificate(client.cert), () => VOUCHED_FOR);
});

const PROBLEM: CertificateProblem = { reason: 'certificate_untrusted', detail: 'why' };
const OUTAGE: CertificateProblem = { reason: 'replay_store_unavailable', detail: 'down' };

function checkThat(problemOf: CertificateCheck['problemOf']): CertificateCheck {
  return { problemOf };
}

test('the first problem of several checks of a certificate counts, and those behind it are not asked', async () => {
  const asked: string[] = [];
  const check = (name: string, problem?: CertificateProblem, isLater = false): CertificateCheck =>
    checkThat(() => {
      asked.push(name);
      return isLater ? Promise.resolve(problem) : problem;
    });
  const verdict = VOUCHED_FOR as VerifiedChain;
  const passes = new CertificateChecks([check('a'), check('b')]);
  expect(passes.problemOf(certificate, verdict)).toBeUndefined();
  const later = new CertificateChecks([
    check('c'),
    check('d', undefined, true),
    check('e', PROBLEM),
    check('f'),
  ]);
  expect(await later.problemOf(certificate, verdict)).toBe(PROBLEM);
  const atOnce = new CertificateChecks([check('g', OUTAGE), check('h', PROBLEM)]);
  expect(atOnce.problemOf(certificate, verdict)).toBe(OUTAGE);
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'e', 'g']);
});

function serverWith(...checks: readonly CertificateCheck[]): ResourceServer {
  const options = resolveOptions({
    audience: 'https://api.example.com',
    authorizationServers: [{ issuer: 'https://as.example.com' }],
  });
  return new ResourceServer(options, { certificateChecks: new CertificateChecks(checks) });
}

test('a certificate that a check speaks against does not count, and one whose chain is not verified is not asked about', async () => {
  let problem: CertificateProblem | undefined;
  const seen: VerifiedChain[] = [];
  const server = serverWith(
    checkThat((_, verdict) => {
      seen.push(verdict);
      return problem;
    }),
  );
  const counts = async (of = certificate): Promise<boolean> =>
    (await server.verifiedCertificate({ kind: 'found', certificate: of })) !== undefined;
  expect(await counts()).toBe(true);
  problem = OUTAGE;
  expect(await counts()).toBe(false);
  const untrusted = describeX509(new X509Certificate(client.cert), () => unverified('x'));
  expect(await counts(untrusted)).toBe(false);
  expect(seen).toEqual([VOUCHED_FOR, VOUCHED_FOR]);
});

test('the checks of certificates begin and end with the resource server', async () => {
  const told: string[] = [];
  const server = serverWith({
    problemOf: () => undefined,
    start: async () => void told.push('start'),
    close: async () => void told.push('close'),
  });
  expect(told).toEqual([]);
  await server.start();
  expect(told).toEqual(['start']);
  await server.close();
  expect(told).toEqual(['start', 'close']);
});

test('the verdict on a forwarded certificate has its path, and is the same object while it stands', () => {
  const verify = chainVerifier({ ca: ca.cert });
  const leaf = new X509Certificate(client.cert);
  const verdict = verify(leaf, []);
  expect(verdict).toMatchObject({ kind: 'verified' });
  expect((verdict as VerifiedChain).path.map(({ raw }) => raw)).toEqual([
    leaf.raw,
    new X509Certificate(ca.cert).raw,
  ]);
  expect(verify(leaf, [])).toBe(verdict);
});
