import type { AddedByRequest } from '../../access-token/describe-access-token.js';
import type { Psd2Role } from '../../cert-bound-auth.options.js';
import type { BindingMethod, TokenDescription } from '../../decision.js';

/** Who stands in for the caller of every request. */
export interface StandInToken {
  /** `sub`. @default 'test-subject' */
  readonly subject?: string;
  /** The client that the token was issued to. @default 'test-client' */
  readonly clientId?: string;
  /** The API that it is for. @default ['https://api.example.com'] */
  readonly audience?: readonly string[];
  /** @default none */
  readonly scopes?: readonly string[];
  /** What the caller is taken to have proved. @default ['certificate'] */
  readonly boundBy?: readonly BindingMethod[];
  /** The roles in its certificate, for `@Psd2Roles()`. @default none */
  readonly psd2Roles?: readonly Psd2Role[];
  /**
   * Its certificate, and the CAs above it, PEM, for `@CertificateIssuedBy()`: they are taken for a chain that was verified.
   * @default none
   */
  readonly certificateChain?: string;
  /** Claims of the token beside those. @default none */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** In seconds. */
const LIFETIME = 3_600;

const NOBODY_IN_PARTICULAR: Required<Omit<StandInToken, 'psd2Roles' | 'certificateChain'>> = {
  subject: 'test-subject',
  clientId: 'test-client',
  audience: ['https://api.example.com'],
  scopes: [],
  boundBy: ['certificate'],
  claims: {},
};

/** Stands for a digest: of no key. */
const NO_KEY = 'A'.repeat(43);

/** A token as it is known, and what its caller is taken to have proved. */
export interface StandIn {
  readonly description: TokenDescription;
  readonly proven: AddedByRequest;
}

/** @param issuer as the app has it */
export function standInToken(who: StandInToken, issuer: string): StandIn {
  const { subject, clientId, audience, scopes, boundBy, claims } = { ...NOBODY_IN_PARTICULAR, ...who };
  const issuedAt = Math.floor(Date.now() / 1_000);
  const expiresAt = issuedAt + LIFETIME;
  const said = {
    iss: issuer,
    aud: [...audience],
    sub: subject,
    client_id: clientId,
    scope: scopes.join(' '),
    iat: issuedAt,
    exp: expiresAt,
  };
  return {
    description: {
      issuer,
      subject,
      clientId,
      audience,
      scopes: new Set(scopes),
      scope: scopes.join(' '),
      issuedAt,
      expiresAt,
      tokenId: undefined,
      claims: { ...said, ...claims },
    },
    proven: {
      confirmation: {
        ...(boundBy.includes('certificate') && { certificateThumbprint: NO_KEY }),
        ...(boundBy.includes('dpop') && { jwkThumbprint: NO_KEY }),
      },
      boundBy,
      raw: undefined,
    },
  };
}
