import type { HostileKit } from '../../hostile-kit.js';
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

/** What must come back; of a token that is for the other audience as well, everywhere. */
export type CertificateExpectation = Expectation & { readonly everyAudience?: true };

export const ACCEPTED: Accepted = { kind: 'accepted', boundBy: ['certificate'] };
export const ACCEPTED_EVERYWHERE: CertificateExpectation = { ...ACCEPTED, everyAudience: true };
export const PUBLIC: Accepted = { kind: 'accepted', boundBy: [], open: true };
export const NO_CREDENTIALS: NoCredentials = { kind: 'no credentials' };
export const INVALID_REQUEST = refused(400, 'Bearer', 'invalid_request');
export const INVALID_TOKEN = refused(401, 'Bearer', 'invalid_token');
export const INSUFFICIENT_SCOPE = refused(403, 'Bearer', 'insufficient_scope');
export const UNAVAILABLE: Unavailable = { kind: 'unavailable' };

export type Maker<T> = AnyMaker<HostileKit, T>;
export type Variants<T> = AnyVariants<HostileKit, T>;

/** Rows that differ in the request. */
export function requestRows(
  id: string,
  { everyAudience, ...expect }: CertificateExpectation,
  variants: Variants<HostileRequest>,
): readonly HostileRow[] {
  return Object.entries(variants).map(([name, request]) => ({
    name: `${id}: ${name}`,
    requests: ({ hostile }) => [request(hostile)],
    expect: [expect],
    ...(everyAudience === undefined ? {} : { everyAudience }),
  }));
}

/** Rows that differ in the token, which client1 sends as it should be sent. */
export function tokenRows(
  id: string,
  expect: CertificateExpectation,
  variants: Variants<string>,
): readonly HostileRow[] {
  return requestRows(
    id,
    expect,
    mapped(variants, (token, kit) => kit.bearer(token)),
  );
}

/** Rows of JWTs that differ in one claim. */
export function claimRows(
  id: string,
  claim: string,
  expect: CertificateExpectation,
  variants: Variants<unknown>,
): readonly HostileRow[] {
  return tokenRows(
    id,
    expect,
    named(
      claim,
      mapped(variants, (value, kit) => kit.jwt({ claims: { [claim]: value } })),
    ),
  );
}

/** Rows of JWTs, rightly signed, that differ in one member of the header. */
export function headerRows(
  id: string,
  member: string,
  expect: CertificateExpectation,
  variants: Variants<unknown>,
): readonly HostileRow[] {
  return tokenRows(
    id,
    expect,
    named(
      member,
      mapped(variants, (value, kit) => kit.jwt({ header: { [member]: value } })),
    ),
  );
}
