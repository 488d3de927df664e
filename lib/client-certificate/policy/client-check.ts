import { X509Certificate } from 'node:crypto';
import type { BelongsToClient } from '../../cert-bound-auth.options.js';
import type { TokenDescription } from '../../decision.js';
import { messageOf } from '../../common/message-of.js';
import type { CertificateProblem } from '../certificate-checks.js';
import type { CertificateSettings } from '../certificate-settings.js';
import type { ClientCertificate } from '../client-certificate.js';
import { ATTRIBUTE_TYPES } from '../identity/attribute-types.js';
import { type CertificateIdentity, identityOf } from '../identity/certificate-identity.js';
import { onlyValueOf } from '../identity/distinguished-name.js';
import { describeIdentity } from './describe-identity.js';

/** Says whether a certificate that has counted belongs to the client of the token that is bound to it. */
export type ClientCheck = (
  certificate: ClientCertificate,
  token: TokenDescription,
) => CertificateProblem | undefined;

/** What the settings ask for; `undefined` where that is nothing. */
export function clientCheckOf({ policy }: CertificateSettings): ClientCheck | undefined {
  const client = policy?.client;
  if (client === undefined) return undefined;
  return typeof client === 'function' ? byFunction(client) : byName(NAMES[client]);
}

const NAMES = {
  'subject-is-client-id': ({ subject }: CertificateIdentity) => onlyValueOf(subject, ATTRIBUTE_TYPES.CN),
  spiffe: ({ spiffeId }: CertificateIdentity) => spiffeId,
} as const;

/** The name is read once of each certificate. */
function byName(nameIn: (identity: CertificateIdentity) => string | undefined): ClientCheck {
  const names = new WeakMap<X509Certificate, { readonly name: string | undefined }>();
  return ({ identity: x509 }, { clientId }) => {
    if (!(x509 instanceof X509Certificate)) return mismatch('of the certificate only a digest is known');
    const known = names.get(x509) ?? { name: nameOf(x509, nameIn) };
    names.set(x509, known);
    if (known.name !== undefined && known.name === clientId) return undefined;
    return mismatch(
      `the certificate is of ${quoted(known.name)}, the token of the client ${quoted(clientId)}`,
    );
  };
}

function nameOf(
  x509: X509Certificate,
  nameIn: (identity: CertificateIdentity) => string | undefined,
): string | undefined {
  const identity = identityOf(x509);
  return 'fault' in identity ? undefined : nameIn(identity);
}

function byFunction(belongs: BelongsToClient): ClientCheck {
  return ({ identity: x509, thumbprint }, token) => {
    if (!(x509 instanceof X509Certificate)) return mismatch('of the certificate only a digest is known');
    const identity = identityOf(x509);
    if ('fault' in identity) return mismatch(identity.fault);
    try {
      const answer: unknown = belongs(describeIdentity(identity, thumbprint), ownersOf(token));
      return answer === true ? undefined : mismatch('client did not return true');
    } catch (error) {
      return { reason: 'certificate_policy_unusable', detail: `client threw ${messageOf(error)}` };
    }
  };
}

/** Without the claims, which are those of other requests too. */
function ownersOf({ issuer, subject, clientId }: TokenDescription): Parameters<BelongsToClient>[1] {
  return {
    issuer,
    ...(subject === undefined ? {} : { subject }),
    ...(clientId === undefined ? {} : { clientId }),
  };
}

function mismatch(detail: string): CertificateProblem {
  return { reason: 'certificate_client_mismatch', detail };
}

function quoted(name: string | undefined): string {
  return name === undefined ? 'nobody by name' : JSON.stringify(name);
}
