import type { HostileRequest } from '../hostile/hostile-row.js';
import type { DpopKit, ProofDifference } from './dpop-kit.js';

/** The OAuth error codes of the table. */
export type DpopErrorCode =
  'invalid_request' | 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce' | 'insufficient_scope';

/** What must come back. */
export type DpopExpectation = Accepted | NoCredentials | Refused | Unavailable;

/** The handler ran. */
export interface Accepted {
  readonly kind: 'accepted';
  /** What the handler was told; on a public route it is told nothing. */
  readonly boundBy: readonly ('certificate' | 'dpop')[];
  /** The route is public: who calls it is not asked. */
  readonly open?: true;
}

/** Nothing was sent that could be refused: 401, both challenges, and no error in them (RFC 6750 §3.1). */
export interface NoCredentials {
  readonly kind: 'no credentials';
}

/** What was sent was refused. */
export interface Refused {
  readonly kind: 'refused';
  readonly status: 400 | 401 | 403;
  /** The scheme that was used; `untold`: nobody can say which. */
  readonly scheme: 'DPoP' | 'Bearer' | 'untold';
  /** The code; several where a request has several faults and no standard says which one is first. */
  readonly errors: readonly DpopErrorCode[];
}

/** The authorization server could not be asked. */
export interface Unavailable {
  readonly kind: 'unavailable';
}

/** One idea of an attacker, or one thing that must not be refused: requests that are sent one after another. */
export interface DpopRow {
  /** Id of the requirement (resource-server-requirements.md; `INV` is an invariant of DESIGN.md), and the idea. */
  readonly name: string;
  readonly requests: (kit: DpopKit) => readonly HostileRequest[];
  /** One for each request. */
  readonly expect: readonly DpopExpectation[];
  /** The token is for the other audience as well: the decoys then do the same, out of their own replay store. */
  readonly everyAudience?: true;
}

function refused(status: Refused['status'], scheme: Refused['scheme'], ...errors: DpopErrorCode[]): Refused {
  return { kind: 'refused', status, scheme, errors };
}

export const ACCEPTED: Accepted = { kind: 'accepted', boundBy: ['dpop'] };
export const BOTH_ACCEPTED: Accepted = { kind: 'accepted', boundBy: ['certificate', 'dpop'] };
export const CERTIFICATE_ACCEPTED: Accepted = { kind: 'accepted', boundBy: ['certificate'] };
export const UNBOUND_ACCEPTED: Accepted = { kind: 'accepted', boundBy: [] };
export const PUBLIC: Accepted = { kind: 'accepted', boundBy: [], open: true };
export const NO_CREDENTIALS: NoCredentials = { kind: 'no credentials' };
export const INVALID_PROOF = refused(401, 'DPoP', 'invalid_dpop_proof');
export const INVALID_TOKEN = refused(401, 'DPoP', 'invalid_token');
/** Token and proof are both at fault. */
export const INVALID_EITHER = refused(401, 'DPoP', 'invalid_dpop_proof', 'invalid_token');
export const USE_NONCE = refused(401, 'DPoP', 'use_dpop_nonce');
export const INVALID_REQUEST = refused(400, 'DPoP', 'invalid_request');
export const INSUFFICIENT_SCOPE = refused(403, 'DPoP', 'insufficient_scope');
export const BEARER_INVALID_TOKEN = refused(401, 'Bearer', 'invalid_token');
export const BEARER_INVALID_REQUEST = refused(400, 'Bearer', 'invalid_request');
export const BEARER_INSUFFICIENT_SCOPE = refused(403, 'Bearer', 'insufficient_scope');
export const UNTOLD_INVALID_REQUEST = refused(400, 'untold', 'invalid_request');
export const UNAVAILABLE: Unavailable = { kind: 'unavailable' };

/** Makes a value out of the kit, at the time of the request. */
export type Maker<T> = (kit: DpopKit) => T;

/** A name for each variant of one idea. */
export type Variants<T> = Readonly<Record<string, Maker<T>>>;

/** Rows that differ in the request. */
export function requestRows(
  id: string,
  expect: DpopExpectation,
  variants: Variants<HostileRequest>,
): readonly DpopRow[] {
  return Object.entries(variants).map(([name, request]) => ({
    name: `${id}: ${name}`,
    requests: (kit) => [request(kit)],
    expect: [expect],
  }));
}

/** Rows of several requests, one after another. */
export function sequenceRows(
  id: string,
  expect: readonly DpopExpectation[],
  variants: Variants<readonly HostileRequest[]>,
): readonly DpopRow[] {
  return Object.entries(variants).map(([name, requests]) => ({ name: `${id}: ${name}`, requests, expect }));
}

/** Rows that differ in the token, which is sent with a right proof by the client's key. */
export function tokenRows(
  id: string,
  expect: DpopExpectation,
  variants: Variants<string>,
): readonly DpopRow[] {
  return requestRows(
    id,
    expect,
    mapped(variants, (token, kit) => kit.dpop(token)),
  );
}

/** Rows that differ in the proof beside a token that is right. */
export function proofRows(
  id: string,
  expect: DpopExpectation,
  variants: Variants<ProofDifference>,
): readonly DpopRow[] {
  return requestRows(
    id,
    expect,
    mapped(variants, (difference, kit) => kit.dpop(kit.jwt(), {}, difference)),
  );
}

/** Rows that differ in the text of the `DPoP` header beside a token that is right. */
export function textRows(
  id: string,
  expect: DpopExpectation,
  variants: Readonly<Record<string, (kit: DpopKit, token: string) => string>>,
): readonly DpopRow[] {
  return requestRows(
    id,
    expect,
    Object.fromEntries(
      Object.entries(variants).map(([name, text]) => [
        name,
        (kit: DpopKit) => {
          const token = kit.jwt();
          return kit.carry(token, text(kit, token));
        },
      ]),
    ),
  );
}

/** Rows of proofs, rightly signed, that differ in one claim. */
export function claimRows(
  id: string,
  claim: string,
  expect: DpopExpectation,
  variants: Variants<unknown>,
): readonly DpopRow[] {
  return proofRows(
    id,
    expect,
    named(
      claim,
      mapped(variants, (value) => ({ claims: { [claim]: value } })),
    ),
  );
}

/** Rows of proofs, rightly signed, that differ in one member of the header. */
export function headerRows(
  id: string,
  member: string,
  expect: DpopExpectation,
  variants: Variants<unknown>,
): readonly DpopRow[] {
  return proofRows(
    id,
    expect,
    named(
      member,
      mapped(variants, (value) => ({ header: { [member]: value } })),
    ),
  );
}

/** The same names for what is made of the values. */
export function mapped<T, U>(variants: Variants<T>, make: (value: T, kit: DpopKit) => U): Variants<U> {
  return Object.fromEntries(
    Object.entries(variants).map(([name, value]) => [name, (kit: DpopKit) => make(value(kit), kit)]),
  );
}

/** The same values under longer names. */
export function named<T>(prefix: string, variants: Variants<T>): Variants<T> {
  return Object.fromEntries(Object.entries(variants).map(([name, value]) => [`${prefix} ${name}`, value]));
}
