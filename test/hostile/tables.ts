import type { DpopKit } from './dpop-kit.js';
import type { DpopKey } from './dpop-keys.js';
import { headerPairs, jwtsIn } from './fast-path.js';
import type { HostileResponse } from './hostile-client.js';
import type { HostileRow } from './hostile-row.js';
import type { HostileRequest } from './request.js';
import { ACCEPTED_ROWS as BY_CERTIFICATE } from './rows/certificate/accepted.rows.js';
import { CLAIM_ROWS as CLAIMS_OF_TOKENS } from './rows/certificate/claims.rows.js';
import { CONFIRMATION_ROWS as BOUND_TO_CERTIFICATES } from './rows/certificate/confirmation.rows.js';
import { FORM_ROWS as FORMS_OF_TOKENS } from './rows/certificate/form.rows.js';
import {
  INTROSPECTION_ROWS,
  OUTAGE_ROWS as OUTAGES_BESIDE_TLS,
} from './rows/certificate/introspection.rows.js';
import { REQUEST_ROWS } from './rows/certificate/request.rows.js';
import { SCOPE_ROWS } from './rows/certificate/scope.rows.js';
import { SIGNATURE_ROWS } from './rows/certificate/signature.rows.js';
import { ACCEPTED_ROWS as BY_PROOF } from './rows/dpop/accepted.rows.js';
import { CLAIM_ROWS as CLAIMS_OF_PROOFS } from './rows/dpop/claims.rows.js';
import { CONFIRMATION_ROWS as BOUND_TO_KEYS } from './rows/dpop/confirmation.rows.js';
import { CREDENTIALS_ROWS } from './rows/dpop/credentials.rows.js';
import { FORM_ROWS as FORMS_OF_PROOFS } from './rows/dpop/form.rows.js';
import { KEY_ROWS } from './rows/dpop/key.rows.js';
import { REPLAY_ROWS } from './rows/dpop/replay.rows.js';
import { TARGET_ROWS } from './rows/dpop/target.rows.js';
import { OUTAGE_ROWS as OUTAGES_BESIDE_PROOFS, TOKEN_ROWS } from './rows/dpop/token.rows.js';

/** Sends a request to the app under test. */
export type Send = (request: HostileRequest) => Promise<HostileResponse>;

/** Rows that are sent to apps of one configuration. */
export interface Table {
  readonly name: 'certificates' | 'DPoP';
  readonly rows: readonly HostileRow[];
  /** Sends what a request has for a token as its owner would. @returns whether it is accepted from somebody */
  readonly isAccepted: (kit: DpopKit, requests: readonly HostileRequest[], send: Send) => Promise<boolean>;
}

/** Apps that know certificates only. Written from the RFCs and not from the code. The outages come last. */
export const CERTIFICATE_TABLE: Table = {
  name: 'certificates',
  rows: [
    ...BY_CERTIFICATE,
    ...REQUEST_ROWS,
    ...FORMS_OF_TOKENS,
    ...SIGNATURE_ROWS,
    ...CLAIMS_OF_TOKENS,
    ...BOUND_TO_CERTIFICATES,
    ...SCOPE_ROWS,
    ...INTROSPECTION_ROWS,
    ...OUTAGES_BESIDE_TLS,
  ],
  isAccepted: async (kit, requests, send) => {
    const accepted: boolean[] = [];
    for (const authorization of new Set(requests.flatMap((request) => authorizationsOf(request)))) {
      accepted.push(await isAcceptedWithCertificate(kit, authorization, send));
    }
    return accepted.includes(true);
  },
};

/** Apps that accept DPoP proofs as well. Written from RFC 9449 and not from the code. The outages come last. */
export const DPOP_TABLE: Table = {
  name: 'DPoP',
  rows: [
    ...BY_PROOF,
    ...CREDENTIALS_ROWS,
    ...FORMS_OF_PROOFS,
    ...KEY_ROWS,
    ...CLAIMS_OF_PROOFS,
    ...TARGET_ROWS,
    ...REPLAY_ROWS,
    ...BOUND_TO_KEYS,
    ...TOKEN_ROWS,
    ...OUTAGES_BESIDE_PROOFS,
  ],
  isAccepted: async (kit, requests, send) => {
    const accepted: boolean[] = [];
    for (const token of new Set(requests.flatMap((request) => tokensOf(request)))) {
      accepted.push(await isAcceptedWithProof(kit, token, send));
    }
    return accepted.includes(true);
  },
};

export const TABLES: readonly Table[] = [CERTIFICATE_TABLE, DPOP_TABLE];

async function isAcceptedWithCertificate(
  { hostile }: DpopKit,
  authorization: string,
  send: Send,
): Promise<boolean> {
  for (const certificate of [hostile.client1, hostile.client2]) {
    const { status } = await send({ authorization, certificate });
    if (status !== 401) return status === 200;
  }
  return false;
}

/** With the certificate of client1 in either case, which does no harm where the token does not name it. */
async function isAcceptedWithProof(kit: DpopKit, token: string, send: Send): Promise<boolean> {
  const certificate = kit.hostile.client1;
  const proved = await send(kit.dpop(token, { certificate }, { key: keyOf(kit, token) }));
  if (proved.status !== 401) return proved.status === 200;
  const { status } = await send(kit.hostile.bearer(token));
  return status === 200;
}

/** The key that a JWT names, where the kit has it; else the client's. */
function keyOf({ keys }: DpopKit, token: string): DpopKey {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return Object.values<DpopKey>({ ...keys }).find(({ jkt }) => payload.includes(jkt)) ?? keys.client;
}

/** Its `Authorization`, and the tokens that it has anywhere else, sent as they should be. */
function authorizationsOf({
  authorization,
  headers = [],
  query = '',
  body,
}: HostileRequest): readonly string[] {
  const pairs = headerPairs(headers);
  const fields = pairs.filter(([name]) => name === 'authorization').map(([, value]) => value);
  const texts = [authorization ?? '', query, body?.text ?? '', ...pairs.map(([, value]) => value)];
  const bearers = texts.flatMap((text) => jwtsIn(text)).map((token) => `Bearer ${token}`);
  const own = authorization === undefined ? [] : [authorization];
  return [...own, ...fields, ...bearers];
}

/** What may be a token, wherever a request has it; what the header `DPoP` has is none. */
function tokensOf({ authorization = '', headers = [], query = '', body }: HostileRequest): readonly string[] {
  const pairs = headerPairs(headers).filter(([name]) => name !== 'dpop');
  const fields = pairs.filter(([name]) => name === 'authorization').map(([, value]) => value);
  const sent = [authorization, ...fields].map((value) => value.trim().split(/\s+/).at(-1) ?? '');
  const texts = [authorization, query, body?.text ?? '', ...pairs.map(([, value]) => value)];
  return [...sent, ...texts.flatMap((text) => jwtsIn(text))].filter((token) => /^[\w.~+/-]+=*$/.test(token));
}
