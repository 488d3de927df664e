import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { HostileKit } from './hostile-kit.js';

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

/** The OAuth error codes of the table. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

/** What must come back. */
export interface HostileExpectation {
  readonly status: 200 | 400 | 401 | 403 | 503;
  /** `error` of the challenge and of the body; none: the challenge has no such attribute (RFC 6750 §3.1). */
  readonly error?: OAuthErrorCode;
  /** The route is public: its handler must not see the token. */
  readonly unauthenticated?: true;
  /** The token is for the other audience as well, which the decoys answer to. */
  readonly everyAudience?: true;
}

/** One idea of an attacker, or one thing that must not be refused. */
export interface HostileRow {
  /** Id of the requirement (resource-server-requirements.md; `INV` is an invariant of DESIGN.md), and the idea. */
  readonly name: string;
  readonly request: (kit: HostileKit) => HostileRequest;
  readonly expect: HostileExpectation;
}

export const ACCEPTED: HostileExpectation = { status: 200 };
export const ACCEPTED_EVERYWHERE: HostileExpectation = { status: 200, everyAudience: true };
export const PUBLIC: HostileExpectation = { status: 200, unauthenticated: true };
export const NO_CREDENTIALS: HostileExpectation = { status: 401 };
export const INVALID_REQUEST: HostileExpectation = { status: 400, error: 'invalid_request' };
export const INVALID_TOKEN: HostileExpectation = { status: 401, error: 'invalid_token' };
export const INSUFFICIENT_SCOPE: HostileExpectation = { status: 403, error: 'insufficient_scope' };
export const UNAVAILABLE: HostileExpectation = { status: 503 };

/** Makes a value out of the kit, at the time of the request. */
export type Maker<T> = (kit: HostileKit) => T;

/** A name for each variant of one idea. */
export type Variants<T> = Readonly<Record<string, Maker<T>>>;

/** Rows that differ in the request. */
export function requestRows(
  id: string,
  expect: HostileExpectation,
  variants: Variants<HostileRequest>,
): readonly HostileRow[] {
  return Object.entries(variants).map(([name, request]) => ({ name: `${id}: ${name}`, request, expect }));
}

/** Rows that differ in the token, which client1 sends as it should be sent. */
export function tokenRows(
  id: string,
  expect: HostileExpectation,
  variants: Variants<string>,
): readonly HostileRow[] {
  return Object.entries(variants).map(([name, token]) => ({
    name: `${id}: ${name}`,
    request: (kit) => kit.bearer(token(kit)),
    expect,
  }));
}

/** Rows of JWTs that differ in one claim. */
export function claimRows(
  id: string,
  claim: string,
  expect: HostileExpectation,
  variants: Variants<unknown>,
): readonly HostileRow[] {
  return Object.entries(variants).map(([name, value]) => ({
    name: `${id}: ${claim} ${name}`,
    request: (kit) => kit.bearer(kit.jwt({ claims: { [claim]: value(kit) } })),
    expect,
  }));
}

/** Rows of JWTs, rightly signed, that differ in one member of the header. */
export function headerRows(
  id: string,
  member: string,
  expect: HostileExpectation,
  variants: Variants<unknown>,
): readonly HostileRow[] {
  return Object.entries(variants).map(([name, value]) => ({
    name: `${id}: ${member} ${name}`,
    request: (kit) => kit.bearer(kit.jwt({ header: { [member]: value(kit) } })),
    expect,
  }));
}
