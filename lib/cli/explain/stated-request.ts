import { VOUCHED_FOR } from '../../client-certificate/chain/chain-verdict.js';
import { chainVerifier } from '../../client-certificate/chain/chain-verifier.js';
import type { CertificateSettings } from '../../client-certificate/certificate-settings.js';
import { type ClientCertificateFinding, describeX509 } from '../../client-certificate/client-certificate.js';
import { normalizeBase } from '../../dpop/target-uri.js';
import { decodeObject, readTokenShape } from '../../jose/token-shape.js';
import { isJsonObject, type JsonObject } from '../../jose/json-object.js';
import type { HttpRequest } from '../../request/http-request.js';
import { certificatesIn } from '../certificate-file.js';

/** A request as a command line states it. */
export interface Stated {
  readonly token: string;
  readonly proof: string | undefined;
  /** Those of the proof, unless given. */
  readonly method: string | undefined;
  readonly url: string | undefined;
}

/**
 * A request that nobody has sent, as the stages read one. Without `url`, it is for what its proof is for.
 * @param bases origins and path prefixes that clients see; none where no proof is accepted
 */
export function statedRequest(stated: Stated, bases: readonly string[]): HttpRequest {
  const { token, proof } = stated;
  const claims = claimsOf(proof);
  const scheme = bases.length > 0 && (proof !== undefined || isBoundToKey(token)) ? 'DPoP' : 'Bearer';
  const fields = [
    ['authorization', `${scheme} ${token}`],
    ...(proof === undefined ? [] : [['dpop', proof]]),
  ] as const;
  const path = pathOf(stated.url ?? textOf(claims, 'htu') ?? '/', bases);
  const request = {
    method: stated.method ?? textOf(claims, 'htm') ?? 'GET',
    url: path,
    originalUrl: path,
    rawHeaders: fields.flat(),
    headers: Object.fromEntries(fields) as Record<string, string>,
    socket: {},
  };
  return request;
}

function claimsOf(proof: string | undefined): JsonObject {
  return decodeObject(proof?.split('.')[1] ?? '') ?? {};
}

function textOf(claims: JsonObject, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Which scheme it would be sent by. */
function isBoundToKey(token: string): boolean {
  const shape = readTokenShape(token);
  const cnf = shape.kind === 'jwt' ? shape.payload['cnf'] : undefined;
  return isJsonObject(cnf) && Object.hasOwn(cnf, 'jkt');
}

/** What is behind the base that a URL is under: that is what the API is sent. */
function pathOf(url: string, bases: readonly string[]): string {
  const base = bases.find((each) => url === each || url.startsWith(`${each}/`) || url.startsWith(`${each}?`));
  if (base !== undefined) return url.slice(base.length) || '/';
  if (!URL.canParse(url)) return url.startsWith('/') ? url : '/';
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** The bases that are known without a request. */
export function basesOf(publicUrl: unknown): readonly string[] {
  return [publicUrl].flat().flatMap((url) => (typeof url === 'string' ? (normalizeBase(url) ?? []) : []));
}

/** The certificate that the client is said to have proved. @throws Misuse for a file without one */
export function statedCertificate(
  file: string | undefined,
  settings: CertificateSettings,
): ClientCertificateFinding {
  if (file === undefined)
    return { kind: 'none', reason: 'certificate_missing', detail: 'no certificate was given by --cert' };
  const [leaf, ...chain] = certificatesIn(file);
  const verify =
    seesChainsOf(settings) && settings.from === 'header' ? chainVerifier(settings.trust) : () => VOUCHED_FOR;
  return {
    kind: 'found',
    certificate: describeX509(leaf, () =>
      verify(
        leaf,
        chain.map(({ raw }) => raw),
      ),
    ),
  };
}

/** Whether the configuration itself has the CAs that a chain must lead to. */
export function seesChainsOf(settings: CertificateSettings): boolean {
  return settings.from === 'header' && typeof settings.trust === 'object';
}
