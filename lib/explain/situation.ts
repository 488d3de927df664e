import type { AuthenticationRules } from '../authenticate-request.js';
import type { Demands } from '../authorization/demands.js';
import type { ClientCertificateFinding } from '../client-certificate/client-certificate.js';
import type { AuthenticationScheme } from '../decision.js';
import type { HttpRequest } from '../request/http-request.js';

/** What a request is explained by: the rules that decide, and what of them can be known here. */
export interface Situation {
  readonly rules: AuthenticationRules;
  /** Of the route or the policy. */
  readonly demands: Demands;
  /** Whether servers may be asked for keys and about tokens. */
  readonly mayAsk: boolean;
  /** Whether the chain of a certificate can be verified here, where it counts. */
  readonly seesChains: boolean;
  /** Whether it is known here which nonces are good. */
  readonly knowsNonces: boolean;
}

/** What a token came with. */
export interface Presented {
  readonly request: HttpRequest;
  readonly scheme: AuthenticationScheme;
  /** SHA-256, base64url. */
  readonly tokenDigest: string;
  readonly certificate: ClientCertificateFinding;
}
