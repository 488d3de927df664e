import { randomUUID } from 'node:crypto';
import type { HostileRequest } from '../../request.js';
import { base64url, raw } from '../../raw-jws.js';
import type { DpopKit, ProofDifference } from '../../dpop-kit.js';
import {
  ACCEPTED,
  BOTH_ACCEPTED,
  CERTIFICATE_ACCEPTED,
  INSUFFICIENT_SCOPE,
  INVALID_PROOF,
  INVALID_TOKEN,
  sequenceRows,
} from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

/** The order of P-256. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** What was used once. */
const replays: readonly HostileRow[] = [
  ...sequenceRows('RFC9449-8', [ACCEPTED, INVALID_PROOF], {
    'the same request twice': (kit) => again(kit.dpop(kit.jwt())),
    'the same request twice, opaque token': (kit) => again(kit.dpop(kit.opaque())),
    'the same request twice, HEAD': (kit) => again(kit.dpop(kit.jwt(), { method: 'HEAD' })),
    'the same request twice, key of RSA': (kit) => {
      const key = kit.keys.ps256;
      return again(kit.dpop(kit.jwtWith(kit.jkt(key)), {}, { key }));
    },
    'the same proof on a connection with a certificate': (kit) => {
      const request = kit.dpop(kit.jwt());
      return [request, { ...request, certificate: kit.hostile.client2 }];
    },
    'the same proof with another query': (kit) => {
      const request = kit.dpop(kit.jwt());
      return [request, { ...request, query: 'page=2' }];
    },
    'the same proof, the scheme in lower case': (kit) => {
      const token = kit.jwt();
      const request = kit.dpop(token);
      return [request, { ...request, authorization: `dpop ${token}` }];
    },
    'the same jti, a second later': (kit) =>
      inTurn(kit, kit.jwt(), { claims: { jti: 'again-1', iat: now() - 2 } }, { claims: { jti: 'again-1' } }),
    'the same jti for another path': (kit) => {
      const token = kit.jwt();
      const difference = { claims: { jti: 'again-2' } };
      return [kit.dpop(token, {}, difference), kit.dpop(token, { path: '/any' }, difference)];
    },
    'the same jti with another token of the same key': (kit) => {
      const difference = { claims: { jti: 'again-3' } };
      return [kit.dpop(kit.jwt(), {}, difference), kit.dpop(kit.jwt(), {}, difference)];
    },
    'the same jti, and a member more in the jwk': (kit) => {
      const jwk = { ...kit.keys.client.jwk, kid: 'renamed' };
      const claims = { jti: 'again-4' };
      return inTurn(kit, kit.jwt(), { claims }, { claims, header: { jwk } });
    },
    'the same jti, the jwk in another order': (kit) => {
      const jwk = Object.fromEntries(Object.entries(kit.keys.client.jwk).toReversed());
      const claims = { jti: 'again-5' };
      return inTurn(kit, kit.jwt(), { claims }, { claims, header: { jwk } });
    },
    'the same jti, written with an escape': (kit) =>
      inTurn(
        kit,
        kit.jwt(),
        { claims: { jti: 'again-7' } },
        { claims: { jti: raw(String.raw`"\u0061gain-7"`) } },
      ),
    // Both signatures of ECDSA are right: what is remembered must not be the text.
    'the same proof with the other signature (n - s)': (kit) => {
      const token = kit.jwt();
      const proof = kit.proof(token);
      return [kit.carry(token, proof), kit.carry(token, withOtherSignature(proof))];
    },
    'the jti hasOwnProperty twice': (kit) => {
      const claims = { jti: 'hasOwnProperty' };
      return inTurn(kit, kit.jwt(), { claims }, { claims });
    },
    'one Ed25519 key under both names of its algorithm': (kit) => {
      const token = kit.jwtWith(kit.jkt(kit.keys.eddsa));
      const claims = { jti: 'again-6' };
      return inTurn(kit, token, { claims, key: kit.keys.eddsa }, { claims, key: kit.keys.ed25519 });
    },
  }),
  ...sequenceRows('RFC9449-8', [ACCEPTED, INVALID_PROOF, INVALID_PROOF], {
    'the same request three times': (kit) => {
      const request = kit.dpop(kit.jwt());
      return [request, request, request];
    },
  }),
  ...sequenceRows('RFC9449-8', [BOTH_ACCEPTED, INVALID_PROOF], {
    'the same request twice, certificate and key': (kit) =>
      again(kit.dpop(kit.jwtWith(kit.both), { certificate: kit.hostile.client1 })),
  }),
  ...sequenceRows('RFC9449-8', [INSUFFICIENT_SCOPE, INVALID_PROOF], {
    // Who sends it was known: the proof was used, for what it was worth.
    'the same request twice, scope missing': (kit) => again(kit.dpop(kit.jwt(), { path: '/both' })),
  }),
  ...sequenceRows('INV10', [ACCEPTED, INVALID_PROOF], {
    'the same request twice, in each app of the process': (kit) =>
      again(kit.dpop(kit.jwt({ claims: { aud: ['https://other.example.com', 'https://api.example.com'] } }))),
  }).map((row) => ({ ...row, everyAudience: true as const })),
];

function again(request: HostileRequest): readonly HostileRequest[] {
  return [request, request];
}

/** Two proofs for the same token. */
function inTurn(
  kit: DpopKit,
  token: string,
  first: ProofDifference,
  second: ProofDifference,
): readonly HostileRequest[] {
  return [kit.dpop(token, {}, first), kit.dpop(token, {}, second)];
}

function withOtherSignature(proof: string): string {
  const [head, payload, signature = ''] = proof.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const other = Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex');
  return `${head}.${payload}.${base64url(Buffer.concat([bytes.subarray(0, 32), other]))}`;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** What was not used yet, though something like it was. */
const firstUses: readonly HostileRow[] = [
  ...sequenceRows('RFC9449-8', [ACCEPTED, ACCEPTED], {
    'two proofs of one token': (kit) => inTurn(kit, kit.jwt(), {}, {}),
    'the same jti by another key': (kit) => {
      const { client, other } = kit.keys;
      const claims = { jti: randomUUID() };
      return [client, other].map((key) => kit.dpop(kit.jwtWith(kit.jkt(key)), {}, { key, claims }));
    },
    'a jti that differs in case only': (kit) =>
      inTurn(kit, kit.jwt(), { claims: { jti: 'case-of-letters' } }, { claims: { jti: 'CASE-of-letters' } }),
    'a jti with a space more': (kit) =>
      inTurn(kit, kit.jwt(), { claims: { jti: 'space' } }, { claims: { jti: 'space ' } }),
    'a jti that looks the same, of other code points': (kit) =>
      inTurn(kit, kit.jwt(), { claims: { jti: '\u00e9' } }, { claims: { jti: 'e\u0301' } }),
    'a jti of 256 characters that differs in the last one': (kit) =>
      inTurn(
        kit,
        kit.jwt(),
        { claims: { jti: `${'j'.repeat(255)}1` } },
        { claims: { jti: `${'j'.repeat(255)}2` } },
      ),
  }),
  ...sequenceRows('RFC9449-8', [CERTIFICATE_ACCEPTED, ACCEPTED], {
    // As Bearer, the proof is not looked at.
    'a proof that stood beside a Bearer token': (kit) => {
      const request = kit.dpop(kit.jwt());
      const authorization = `Bearer ${kit.hostile.jwt()}`;
      return [{ ...request, authorization, certificate: kit.hostile.client1 }, request];
    },
  }),
  // A refusal for another reason uses nothing up: else whoever saw a proof could spend it.
  ...sequenceRows('RFC9449-8', [INVALID_PROOF, ACCEPTED], {
    'a proof that was refused for its path': (kit) => {
      const request = kit.dpop(kit.jwt());
      return [{ ...request, path: '/any' }, request];
    },
    'a proof that was refused for its method': (kit) => {
      const request = kit.dpop(kit.jwt());
      return [{ ...request, method: 'DELETE' }, request];
    },
    'a proof that was refused with another token': (kit) => {
      const request = kit.dpop(kit.jwt());
      return [{ ...request, authorization: `DPoP ${kit.jwt()}` }, request];
    },
    'a proof that was refused as one of two': (kit) => {
      const request = kit.dpop(kit.jwt());
      return [{ ...request, headers: [...(request.headers ?? []), 'DPoP', 'x'] }, request];
    },
    'the jti of a proof whose signature was wrong': (kit) => {
      const claims = { jti: randomUUID() };
      return inTurn(kit, kit.jwt(), { claims, signer: kit.keys.other.signer }, { claims });
    },
  }),
  ...sequenceRows('RFC9449-8', [INVALID_TOKEN, ACCEPTED], {
    "the jti of a proof that another key made for the client's token": (kit) => {
      const claims = { jti: randomUUID() };
      return inTurn(kit, kit.jwt(), { claims, key: kit.keys.other }, { claims });
    },
  }),
];

/** How often a proof counts. */
export const REPLAY_ROWS = [...replays, ...firstUses];
