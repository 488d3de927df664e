import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';

/** A request as a hostile (or a good) client sends it. */
export interface HostileRequest {
  /** Value of one `Authorization` header. */
  readonly authorization?: string;
  /** Further headers: name, value, name, value, sent as they stand, so that a name may repeat. */
  readonly headers?: readonly string[];
  /** The certificate of the TLS connection. */
  readonly certificate: TestCertificate | 'none';
  /** @default '/main', for which a token with the scope `accounts:read` is enough */
  readonly path?: string;
  /** What follows the `?`, sent as it stands. */
  readonly query?: string;
  /** @default 'GET', 'POST' with a body */
  readonly method?: string;
  readonly body?: { readonly type: string; readonly text: string };
  /** The `Host` header. @default the API's */
  readonly host?: string;
}
