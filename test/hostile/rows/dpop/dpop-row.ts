import type { DpopKit, ProofDifference } from '../../dpop-kit.js';
import {
  type Accepted,
  type Expectation,
  type HostileRow,
  type NoCredentials,
  refused,
  type Unavailable,
} from '../../hostile-row.js';
import type { HostileRequest } from '../../request.js';
import { type Maker as AnyMaker, mapped, named, type Variants as AnyVariants } from '../variants.js';

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

export type Maker<T> = AnyMaker<DpopKit, T>;
export type Variants<T> = AnyVariants<DpopKit, T>;

/** Rows that differ in the request. */
export function requestRows(
  id: string,
  expect: Expectation,
  variants: Variants<HostileRequest>,
): readonly HostileRow[] {
  return Object.entries(variants).map(([name, request]) => ({
    name: `${id}: ${name}`,
    requests: (kit) => [request(kit)],
    expect: [expect],
  }));
}

/** Rows of several requests, one after another. */
export function sequenceRows(
  id: string,
  expect: readonly Expectation[],
  variants: Variants<readonly HostileRequest[]>,
): readonly HostileRow[] {
  return Object.entries(variants).map(([name, requests]) => ({ name: `${id}: ${name}`, requests, expect }));
}

/** Rows that differ in the token, which is sent with a right proof by the client's key. */
export function tokenRows(
  id: string,
  expect: Expectation,
  variants: Variants<string>,
): readonly HostileRow[] {
  return requestRows(
    id,
    expect,
    mapped(variants, (token, kit) => kit.dpop(token)),
  );
}

/** Rows that differ in the proof beside a token that is right. */
export function proofRows(
  id: string,
  expect: Expectation,
  variants: Variants<ProofDifference>,
): readonly HostileRow[] {
  return requestRows(
    id,
    expect,
    mapped(variants, (difference, kit) => kit.dpop(kit.jwt(), {}, difference)),
  );
}

/** Rows that differ in the text of the `DPoP` header beside a token that is right. */
export function textRows(
  id: string,
  expect: Expectation,
  variants: Readonly<Record<string, (kit: DpopKit, token: string) => string>>,
): readonly HostileRow[] {
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
  expect: Expectation,
  variants: Variants<unknown>,
): readonly HostileRow[] {
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
  expect: Expectation,
  variants: Variants<unknown>,
): readonly HostileRow[] {
  return proofRows(
    id,
    expect,
    named(
      member,
      mapped(variants, (value) => ({ header: { [member]: value } })),
    ),
  );
}
