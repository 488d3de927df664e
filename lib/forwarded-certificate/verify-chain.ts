import { hash, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { HeaderClientCertificateOptions, TlsMaterial } from '../cert-bound-auth.options.js';
import type { ClientCertificate } from '../request/client-certificate.js';
import { messageOf } from '../message-of.js';

/** Says why a certificate's chain does not lead to a trusted CA; `undefined` when it does. */
export type ChainVerifier = (
  leaf: ClientCertificate['identity'],
  chain: readonly Uint8Array[],
) => Promise<string | undefined>;

/** Verifies chains as the configuration says. */
export function chainVerifier(trust: HeaderClientCertificateOptions['trust']): ChainVerifier {
  if (trust === 'proxy') return async () => undefined;
  if (trust === 'any') return async () => 'the chain was not verified';
  return rememberVerdicts(verifyByCas(trust.ca));
}

type PathValidator = (leaf: X509Certificate, chain: readonly Uint8Array[]) => Promise<string | undefined>;

/** How long a verdict stands: the certificates behind the leaf may expire meanwhile. */
const VERDICT_TTL_MS = 60_000;
const MOST_VERDICTS = 10_000;

function rememberVerdicts(verify: PathValidator): ChainVerifier {
  const verdicts = new LRUCache<string, { readonly error: string | undefined }>({
    max: MOST_VERDICTS,
    ttl: VERDICT_TTL_MS,
  });
  return async (leaf, chain) => {
    if (!(leaf instanceof X509Certificate)) return 'of the certificate only a digest is known';
    const key = [leaf.raw, ...chain].map((der) => hash('sha256', der, 'base64url')).join();
    const known = verdicts.get(key);
    if (known !== undefined) return known.error;
    const error = await verify(leaf, chain);
    verdicts.set(key, { error });
    return error;
  };
}

/** Certification path validation (RFC 5280 §6) by pkijs, which is loaded when it is first needed. */
function verifyByCas(ca: TlsMaterial | readonly TlsMaterial[]): PathValidator {
  const trusted = readCertificates(ca);
  return async (leaf, chain) => {
    if (!admitsClients(leaf)) return 'the certificate is not for TLS clients (extended key usage)';
    const { Certificate, CertificateChainValidationEngine } = await import('pkijs');
    try {
      const engine = new CertificateChainValidationEngine({
        trustedCerts: trusted.map((certificate) => Certificate.fromBER(new Uint8Array(certificate.raw))),
        certs: [...chain, leaf.raw].map((der) => Certificate.fromBER(new Uint8Array(der))),
      });
      const { result, resultMessage } = await engine.verify();
      return result ? undefined : resultMessage || 'no path to a trusted CA';
    } catch (error) {
      return messageOf(error);
    }
  };
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

function admitsClients(leaf: X509Certificate): boolean {
  const usages: readonly string[] | undefined = leaf.keyUsage;
  return usages === undefined || usages.includes(CLIENT_AUTHENTICATION) || usages.includes(ANY_USAGE);
}

/** Every certificate of some PEM. @throws Error when one can't be read, or there is none */
export function readCertificates(ca: TlsMaterial | readonly TlsMaterial[]): readonly X509Certificate[] {
  const blocks = [ca]
    .flat()
    .flatMap(
      (pem) => pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [],
    );
  if (blocks.length === 0) throw new Error('there is no certificate in it');
  return blocks.map((block) => new X509Certificate(block));
}
