import { afterAll, beforeAll, describe, it } from 'vitest';
import { type HostileAppOptions, type HostileApp, startHostileApp, WAYS } from './hostile-app.js';
import { HostileClient } from './hostile-client.js';
import { seconds } from './hostile-kit.js';
import type { HostileRequest } from './request.js';
import { PLATFORMS } from '../support/platforms.js';
import { exchange, type Surroundings } from './exchange.js';
import { DpopKit } from './dpop-kit.js';
import {
  ACCEPTED,
  BEARER_INSUFFICIENT_SCOPE,
  BEARER_INVALID_TOKEN,
  CERTIFICATE_ACCEPTED,
  INSUFFICIENT_SCOPE,
  INVALID_PROOF,
  INVALID_REQUEST,
  INVALID_TOKEN,
  type Maker,
  NO_CREDENTIALS,
  requestRows,
  sequenceRows,
} from './rows/dpop/dpop-row.js';
import { type HostileRow, titleOf } from './hostile-row.js';

const way = WAYS.globalGuards;
const REALM = 'Payments of "A" \\ B';

/** Apps that differ from those of the table in one option, and what is to be seen of it. */
interface OptionCase {
  readonly title: string;
  readonly options: HostileAppOptions;
  readonly surroundings: Surroundings;
  readonly rows: readonly HostileRow[];
}

/** A good token, with a proof whose `iat` is so many seconds from now. */
function issued(offset: number): Maker<HostileRequest> {
  return (kit) => kit.dpop(kit.jwt(), {}, { claims: { iat: seconds() + offset } });
}

/** A good token, with a proof of so many characters, or up to three fewer. */
function ofLength(length: number): Maker<HostileRequest> {
  return (kit) => {
    const token = kit.jwt();
    return kit.carry(token, kit.proofOfLength(token, length));
  };
}

function signedBy(name: keyof DpopKit['keys']): Maker<HostileRequest> {
  return (kit) => {
    const key = kit.keys[name];
    return kit.dpop(kit.jwtWith(kit.jkt(key)), {}, { key });
  };
}

const CASES: readonly OptionCase[] = [
  {
    title: 'a realm',
    options: { realm: REALM },
    surroundings: { way, realm: REALM },
    rows: [
      ...requestRows('RFC9449-7', NO_CREDENTIALS, {
        'the realm is in both challenges': () => ({ certificate: 'none' }),
      }),
      ...requestRows('RFC9449-7', INVALID_PROOF, {
        'the realm is with a refused proof': (kit) => kit.carry(kit.jwt(), 'rubbish'),
      }),
      ...requestRows('RFC9449-7', INVALID_TOKEN, {
        'the realm is with a refused token': (kit) => kit.dpop(kit.jwtWith(undefined)),
      }),
      ...requestRows('RFC9449-7', INVALID_REQUEST, {
        'the realm is with a malformed request': () => ({ certificate: 'none', authorization: 'DPoP' }),
      }),
      ...requestRows('RFC9449-7', INSUFFICIENT_SCOPE, {
        'the realm is with missing scopes': (kit) => kit.dpop(kit.jwt(), { path: '/both' }),
      }),
      ...requestRows('RFC9449-7', BEARER_INVALID_TOKEN, {
        'the realm is in both challenges after a refused Bearer token': (kit) =>
          kit.hostile.bearer(kit.jwt()),
      }),
      ...requestRows('RFC9449-7', BEARER_INSUFFICIENT_SCOPE, {
        'the realm is with missing scopes of a Bearer token': (kit) =>
          kit.hostile.bearer(kit.hostile.jwt(), { path: '/both' }),
      }),
    ],
  },
  {
    title: 'one algorithm',
    options: { dpop: { algorithms: ['ES256'] } },
    surroundings: { way, algs: ['ES256'] },
    rows: [
      ...requestRows('RFC9449-5', NO_CREDENTIALS, {
        'the challenge names it': () => ({ certificate: 'none' }),
      }),
      ...requestRows('RFC9449-5', ACCEPTED, { 'a proof of ES256': signedBy('client') }),
      ...requestRows('RFC9449-5', INVALID_PROOF, {
        'a proof of ES384': signedBy('p384'),
        'a proof of PS256': signedBy('ps256'),
        'a proof of RS256': signedBy('rsa'),
        'a proof of EdDSA': signedBy('eddsa'),
      }),
    ],
  },
  {
    title: 'the algorithms of FAPI 2.0',
    options: { dpop: { algorithms: ['PS256', 'ES256', 'EdDSA'] } },
    surroundings: { way, algs: ['PS256', 'ES256', 'EdDSA'] },
    rows: [
      ...requestRows('RFC9449-5', ACCEPTED, {
        'a proof of PS256': signedBy('ps256'),
        'a proof of ES256': signedBy('client'),
        'a proof of EdDSA': signedBy('eddsa'),
      }),
      ...requestRows('RFC9449-5', INVALID_PROOF, {
        'a proof of RS256, by a key that fits PS256 as well': signedBy('rsa'),
        'a proof of PS512': signedBy('ps512'),
        'a proof of Ed25519, which is a name of its own': signedBy('ed25519'),
      }),
    ],
  },
  {
    title: 'a short life of proofs',
    options: { dpop: { proofLifetime: 10, clockSkew: 0 } },
    surroundings: { way },
    rows: [
      ...requestRows('RFC9449-1', ACCEPTED, { 'iat now': issued(0), 'iat three seconds ago': issued(-3) }),
      ...requestRows('RFC9449-1', INVALID_PROOF, {
        'iat 14 seconds ago': issued(-14),
        'iat in eight seconds': issued(8),
      }),
    ],
  },
  {
    title: 'a long life of proofs',
    options: { dpop: { proofLifetime: 3600, clockSkew: 300 } },
    surroundings: { way },
    rows: [
      ...requestRows('RFC9449-1', ACCEPTED, {
        'iat an hour ago': issued(-3600),
        'iat in four minutes': issued(240),
      }),
      ...requestRows('RFC9449-1', INVALID_PROOF, {
        'iat more than 65 minutes ago': issued(-3910),
        'iat in more than five minutes': issued(310),
      }),
      ...sequenceRows('RFC9449-8', [ACCEPTED, INVALID_PROOF], {
        'iat in four minutes, twice': (kit) => twice(issued(240)(kit)),
        'iat an hour ago, twice': (kit) => twice(issued(-3600)(kit)),
      }),
    ],
  },
  {
    title: 'a lower limit of length',
    options: { dpop: { maxProofLength: 1000 } },
    surroundings: { way },
    rows: [
      ...requestRows('RFC9449-1', ACCEPTED, { 'a proof of 997 to 1,000 characters': ofLength(1000) }),
      ...requestRows('RFC9449-1', INVALID_PROOF, { 'a proof of 1,001 to 1,004 characters': ofLength(1004) }),
    ],
  },
  {
    title: 'a higher limit of length',
    options: { dpop: { maxProofLength: 12_000 } },
    surroundings: { way },
    rows: [
      ...requestRows('RFC9449-1', ACCEPTED, { 'a proof of 12,000 characters': ofLength(12_000) }),
      ...requestRows('RFC9449-1', INVALID_PROOF, {
        'a proof of 12,004 characters': ofLength(12_004),
        // What is remembered has a bound of its own.
        'a jti of 5,000 characters': (kit) => kit.dpop(kit.jwt(), {}, { claims: { jti: 'j'.repeat(5000) } }),
      }),
    ],
  },
  {
    title: 'no DPoP',
    options: { dpop: 'off' },
    surroundings: { way, dpop: 'off' },
    rows: [
      ...requestRows('RFC9449-4', NO_CREDENTIALS, {
        'DPoP is a scheme that nobody knows': (kit) => kit.dpop(kit.jwt()),
        'DPoP is a scheme that nobody knows, malformed': () => ({
          certificate: 'none',
          authorization: 'DPoP',
        }),
        'DPoP with a token of the certificate': (kit) =>
          kit.dpop(kit.jwtWith(kit.x5t), { certificate: kit.hostile.client1 }),
        'no credentials': () => ({ certificate: 'none' }),
      }),
      ...requestRows('RFC9449-4', BEARER_INVALID_TOKEN, {
        'token of jkt as Bearer': (kit) => kit.hostile.bearer(kit.jwt()),
        'token of jkt as Bearer, a right proof beside': (kit) => {
          const token = kit.jwt();
          return kit.hostile.bearer(token, { headers: ['DPoP', kit.proof(token)] });
        },
        'token of certificate and jkt as Bearer, with the certificate and a proof': (kit) => {
          const token = kit.jwtWith(kit.both);
          return kit.hostile.bearer(token, { headers: ['DPoP', kit.proof(token)] });
        },
        'opaque token of jkt as Bearer': (kit) => kit.hostile.bearer(kit.opaque()),
      }),
      ...requestRows('RFC9449-4', CERTIFICATE_ACCEPTED, {
        'token of the certificate as Bearer': (kit) => kit.hostile.bearer(kit.hostile.jwt()),
        'token of the certificate as Bearer, rubbish in the DPoP header': (kit) =>
          kit.hostile.bearer(kit.hostile.jwt(), { headers: ['DPoP', 'rubbish'] }),
      }),
    ],
  },
];

function twice(request: HostileRequest): readonly HostileRequest[] {
  return [request, request];
}

let kit: DpopKit;
let client: HostileClient;

beforeAll(async () => {
  kit = await DpopKit.start();
  client = new HostileClient(kit.hostile.ca.cert);
});
afterAll(async () => {
  client.close();
  await kit.stop();
});

describe.each(PLATFORMS)('options of DPoP on %s', (platform) => {
  describe.each(CASES)('$title', ({ options, surroundings, rows }) => {
    let app: HostileApp;
    beforeAll(async () => {
      app = await startHostileApp(kit.hostile, platform, way, options);
    });
    afterAll(() => app.close());

    it.each(rows.map((row) => [titleOf(row), row] as const))('%s', async (_, row) => {
      for (const [index, request] of row.requests(kit).entries()) {
        await exchange(client, app, request, row.expect[index] ?? NO_CREDENTIALS, surroundings);
      }
    });
  });
});
