import type { ClaimPath } from '../cert-bound-auth.options.js';
import type { ClientCertificate } from '../client-certificate/client-certificate.js';
import type { CertificatePolicySettings } from '../client-certificate/certificate-settings.js';
import { NO_ROLES, psd2RolesOf } from '../client-certificate/policy/psd2-roles.js';
import { describeIdentity, type Holder, holderOf } from '../client-certificate/presented-certificate.js';
import { messageOf } from '../common/message-of.js';
import { certificateRefusal } from '../confirmation/check-confirmation.js';
import type { AuthenticationScheme, TokenDescription } from '../decision.js';
import type { CountedCertificate } from '../resource-server.js';
import { anonymousHeaders, certificateHeaders, emptyHeaders, tokenHeaders } from './credential-headers.js';

/** Names and values of headers in turn, as Node takes them at once. */
export type HeaderLines = readonly string[];

/** @param headers values by name */
export function linesOf(headers: Readonly<Record<string, string>>): HeaderLines {
  const lines: string[] = [];
  for (const name of Object.keys(headers)) lines.push(name, headers[name] ?? '');
  return lines;
}

/** What every answer to an accepted request has beside its caller: it is for that request (RFC 9111 §5.2.2.5), and empty. */
const REST: HeaderLines = ['Cache-Control', 'no-store', 'Content-Length', '0'];
const NO_CERTIFICATE = linesOf(certificateHeaders(undefined));

/** All lines of the last answer about a token: its own, and those of the certificate that came with it. */
interface KeptLines {
  readonly scheme: AuthenticationScheme;
  /** How many are its own: they come first. */
  readonly own: number;
  readonly ofCertificate: HeaderLines;
  readonly all: HeaderLines;
}

/** A token that lines are kept at. */
type TokenWithLines = TokenDescription & { [lines: symbol]: KeptLines | undefined };
type CertificateWithLines = ClientCertificate & { [lines: symbol]: HeaderLines | undefined };

/**
 * The headers by which one policy tells the API who calls. Those of a token are made once for as long as it is known, and
 * those of a certificate for as long as it is: kept where these are, under symbols of this policy's own, for another policy
 * may name other claims, and trust other certificates.
 */
export class AnswerLines {
  private readonly others: HeaderLines;
  // Stryker disable StringLiteral: the descriptions are for a debugger only
  private readonly ofToken = Symbol('lines of a token');
  private readonly ofNamed = Symbol('lines of a certificate');
  private readonly ofUnnamed = Symbol('lines of a certificate that nobody has verified');
  // Stryker restore StringLiteral

  /**
   * @param custom claims by header
   * @param otherHeaders that are sent without a value
   * @param policy for certificates: says who the holder of one is, and whether roles in it count
   */
  constructor(
    private readonly custom: ReadonlyMap<string, ClaimPath>,
    otherHeaders: readonly string[],
    private readonly policy: CertificatePolicySettings | undefined,
  ) {
    this.others = linesOf(emptyHeaders(otherHeaders));
  }

  /**
   * All lines of an answer. Whoever gets them leaves them as they are.
   * @param counted the certificate, where one counts
   */
  linesFor(
    token: TokenDescription,
    scheme: AuthenticationScheme,
    counted: CountedCertificate | undefined,
  ): HeaderLines {
    const certificate = counted === undefined ? NO_CERTIFICATE : this.linesOfCertificate(counted);
    const kept = (token as TokenWithLines)[this.ofToken];
    if (kept?.scheme === scheme && kept.ofCertificate === certificate) return kept.all;
    const ofToken = kept?.scheme === scheme ? kept.all.slice(0, kept.own) : this.linesOfToken(token, scheme);
    const all = ofToken.concat(certificate, REST);
    (token as TokenWithLines)[this.ofToken] = {
      scheme,
      own: ofToken.length,
      ofCertificate: certificate,
      all,
    };
    return all;
  }

  /** The same of a caller without credentials. @param own names of headers that say nothing of it */
  anonymousLines(own: readonly string[], counted: CountedCertificate | undefined): HeaderLines {
    const certificate = counted === undefined ? NO_CERTIFICATE : this.linesOfCertificate(counted);
    return [...this.others, ...linesOf(anonymousHeaders(own)), ...certificate, ...REST];
  }

  private linesOfToken(token: TokenDescription, scheme: AuthenticationScheme): HeaderLines {
    return this.others.concat(linesOf(tokenHeaders(token, scheme, this.custom)));
  }

  /** @throws OAuthError 503 where the app's function for the principal fails */
  private holderOf(certificate: ClientCertificate): Holder {
    try {
      return holderOf(certificate, this.policy);
    } catch (error) {
      const detail = `principal threw ${messageOf(error)}`;
      throw certificateRefusal({ reason: 'certificate_policy_unusable', detail });
    }
  }

  private linesOfCertificate({ certificate, chainVerified }: CountedCertificate): HeaderLines {
    const symbol = chainVerified ? this.ofNamed : this.ofUnnamed;
    const at = certificate as CertificateWithLines;
    // A list that has grown takes twice the memory of one that is copied, and many of these are kept.
    return (at[symbol] ??= linesOf(
      certificateHeaders({
        ...describeIdentity(certificate.identity),
        ...(chainVerified ? this.holderOf(certificate) : {}),
        psd2Roles: this.policy?.profile === 'psd2-qwac' ? psd2RolesOf(certificate) : NO_ROLES,
        thumbprint: certificate.thumbprint,
        chainVerified,
      }),
    ).slice());
  }
}
