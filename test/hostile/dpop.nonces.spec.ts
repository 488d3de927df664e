import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DpopOptions, type HostileApp, startHostileApp, type Way, WAYS } from './hostile-app.js';
import { headerValues, HostileClient, type HostileResponse } from './hostile-client.js';
import { seconds } from './hostile-kit.js';
import type { HostileRequest } from './request.js';
import { raw } from './raw-jws.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS } from '../support/platforms.js';
import { exchange } from './exchange.js';
import { DpopKit } from './dpop-kit.js';
import {
  ACCEPTED,
  BEARER_INVALID_TOKEN,
  BOTH_ACCEPTED,
  CERTIFICATE_ACCEPTED,
  INVALID_PROOF,
  INVALID_TOKEN,
  NO_CREDENTIALS,
  USE_NONCE,
} from './rows/dpop/dpop-row.js';
import type { Expectation, Refused } from './hostile-row.js';

const SECRET = randomBytes(32);

/** The nonce is none, and the proof is malformed for it: no standard says which is first. */
const NO_NONCE_AT_ALL: Refused = { ...USE_NONCE, errors: ['use_dpop_nonce', 'invalid_dpop_proof'] };

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

describe.each(PLATFORMS)('nonces on %s', (platform) => {
  const apps: HostileApp[] = [];
  afterAll(() => Promise.all(apps.map((app) => app.close())));

  const start = async (options: Partial<DpopOptions>, way: Way = WAYS.globalGuards): Promise<HostileApp> => {
    const dpop = { nonce: 'required', nonceSecret: SECRET, ...options } as const;
    const app = await startHostileApp(kit.hostile, platform, way, { dpop });
    apps.push(app);
    return app;
  };

  const check = async (
    app: HostileApp,
    request: HostileRequest,
    expected: Expectation,
    way: Way = WAYS.globalGuards,
  ): Promise<HostileResponse> => exchange(client, app, request, expected, { way, nonces: true });

  /** A nonce, as a client comes by it: with a refusal. */
  const nonceOf = async (app: HostileApp): Promise<string> =>
    nonceIn(await check(app, kit.dpop(kit.jwt()), USE_NONCE));

  /** A good token with a proof that is right but for this. */
  const proven = (claims: Readonly<Record<string, unknown>>): HostileRequest =>
    kit.dpop(kit.jwt(), {}, { claims });

  describe('required', () => {
    let app: HostileApp;
    beforeAll(async () => {
      app = await start({});
    });

    const without: Readonly<Record<string, () => HostileRequest>> = {
      GET: () => kit.dpop(kit.jwt()),
      HEAD: () => kit.dpop(kit.jwt(), { method: 'HEAD' }),
      POST: () => kit.dpop(kit.jwt(), { body: { type: 'application/json', text: '{}' } }),
      'an opaque token': () => kit.dpop(kit.opaque()),
      'a token of certificate and key': () =>
        kit.dpop(kit.jwtWith(kit.both), { certificate: kit.hostile.client1 }),
      'a token without the scope': () => kit.dpop(kit.jwt(), { path: '/both' }),
    };

    it.each(Object.entries(without))(
      'RFC9449-6: a proof without a nonce is asked for one: %s',
      async (_, make) => {
        await check(app, make(), USE_NONCE);
      },
    );

    it('RFC9449-6: a proof with the nonce that was given is accepted', async () => {
      const nonce = await nonceOf(app);
      await check(app, proven({ nonce }), ACCEPTED);
      await check(app, kit.dpop(kit.opaque(), {}, { claims: { nonce } }), ACCEPTED);
      const both = kit.dpop(
        kit.jwtWith(kit.both),
        { certificate: kit.hostile.client1 },
        { claims: { nonce } },
      );
      await check(app, both, BOTH_ACCEPTED);
    });

    const forgeries: Readonly<Record<string, (nonce: string) => string>> = {
      empty: () => '',
      'made up': () => randomBytes(32).toString('base64url'),
      'a time': () => String(seconds()),
      'one character short': (nonce) => nonce.slice(0, -1),
      'half of it': (nonce) => nonce.slice(0, nonce.length / 2),
      'one character long': (nonce) => `${nonce}A`,
      padded: (nonce) => `${nonce}=`,
      'with a space behind it': (nonce) => `${nonce} `,
      'with a space before it': (nonce) => ` ${nonce}`,
      'with a NUL behind it': (nonce) => `${nonce}\0`,
      'with a dot behind it': (nonce) => `${nonce}.`,
      'in upper case': (nonce) => nonce.toUpperCase(),
      'in lower case': (nonce) => nonce.toLowerCase(),
      'back to front': (nonce) => nonce.split('').toReversed().join(''),
      twice: (nonce) => nonce + nonce,
      'two, by a comma': (nonce) => `${nonce},${nonce}`,
      'in quotes': (nonce) => `"${nonce}"`,
      'the secret itself': () => SECRET.toString('base64url'),
      'of 1,500 characters': () => 'n'.repeat(1500),
      'the name of an object property': () => '__proto__',
    };

    it.each(Object.entries(forgeries))('RFC9449-6: a nonce that is none of ours: %s', async (_, forge) => {
      const nonce = forge(await nonceOf(app));
      const given = nonceIn(await check(app, proven({ nonce }), USE_NONCE));
      expect(given).not.toBe(nonce);
      await check(app, proven({ nonce: given }), ACCEPTED);
    });

    it('RFC9449-6: a nonce that differs in any one character is none of ours', async () => {
      const nonce = await nonceOf(app);
      const answers = nonce.split('').map((_, index) => {
        const changed = nonce.slice(0, index) + successor(nonce.charAt(index)) + nonce.slice(index + 1);
        return client.send(app.port, proven({ nonce: changed }));
      });
      expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([401]));
      // The same with nothing changed, so that it was the change.
      await check(app, proven({ nonce }), ACCEPTED);
    });

    const types: Readonly<Record<string, (nonce: string) => unknown>> = {
      'a number': () => 1,
      null: () => null,
      true: () => true,
      'an array of the right one': (nonce) => [nonce],
      'an object': (nonce) => ({ nonce }),
    };

    it.each(Object.entries(types))('RFC9449-6: a nonce of another type: %s', async (_, make) => {
      await check(app, proven({ nonce: make(await nonceOf(app)) }), NO_NONCE_AT_ALL);
    });

    it('RFC9449-6: a nonce that is not in the claims does not count', async () => {
      const nonce = await nonceOf(app);
      await check(app, kit.dpop(kit.jwt(), {}, { header: { nonce } }), USE_NONCE);
      await check(app, kit.dpop(kit.jwt(), { headers: ['DPoP-Nonce', nonce] }), USE_NONCE);
    });

    it('RFC9449-8: a proof with a nonce counts once, too', async () => {
      const request = proven({ nonce: await nonceOf(app) });
      await check(app, request, ACCEPTED);
      await check(app, request, INVALID_PROOF);
    });

    it('RFC9449-8: a proof that was refused for its nonce has not used up its jti', async () => {
      const nonce = await nonceOf(app);
      const token = kit.jwt();
      const jti = `asked for a nonce on ${platform}`;
      await check(app, kit.dpop(token, {}, { claims: { jti } }), USE_NONCE);
      await check(app, kit.dpop(token, {}, { claims: { jti, nonce } }), ACCEPTED);
    });

    it('RFC9449-1: a nonce makes up for nothing else', async () => {
      const nonce = await nonceOf(app);
      await check(app, proven({ nonce, iat: seconds() - 80 }), INVALID_PROOF);
      await check(app, proven({ nonce, iat: seconds() + 20 }), INVALID_PROOF);
      await check(app, proven({ nonce, iat: undefined }), INVALID_PROOF);
      await check(app, proven({ nonce, htu: 'https://evil.example/main' }), INVALID_PROOF);
      await check(app, proven({ nonce, htm: 'POST' }), INVALID_PROOF);
      await check(app, proven({ nonce, ath: undefined }), INVALID_PROOF);
      await check(app, kit.dpop(kit.jwt(), {}, { claims: { nonce }, key: kit.keys.other }), INVALID_TOKEN);
    });

    it('RFC9449-6: Bearer tokens of a certificate need none', async () => {
      await check(app, kit.hostile.bearer(kit.hostile.jwt()), CERTIFICATE_ACCEPTED);
      await check(app, kit.hostile.bearer(kit.jwt()), BEARER_INVALID_TOKEN);
    });

    it('RFC9449-7: a caller who shows no credentials is told of no error', async () => {
      await check(app, { certificate: 'none' }, NO_CREDENTIALS);
      await check(app, { certificate: 'none', headers: ['DPoP', kit.proof(kit.jwt())] }, NO_CREDENTIALS);
    });
  });

  describe('instead-of-iat', () => {
    let app: HostileApp;
    beforeAll(async () => {
      app = await start({ nonce: 'instead-of-iat' });
    });

    it.each([-86_400, -80, 0, 20, 86_400])(
      'RFC9449-1: the clock of the client may be off by %i s',
      async (offset) => {
        const nonce = await nonceOf(app);
        await check(app, proven({ nonce, iat: seconds() + offset }), ACCEPTED);
      },
    );

    it('RFC9449-1: iat is still a number that must be there', async () => {
      const nonce = await nonceOf(app);
      await check(app, proven({ nonce, iat: undefined }), INVALID_PROOF);
      await check(app, proven({ nonce, iat: String(seconds()) }), INVALID_PROOF);
      await check(app, proven({ nonce, iat: null }), INVALID_PROOF);
      await check(app, proven({ nonce, iat: raw('1e999') }), INVALID_PROOF);
    });

    it('RFC9449-6: iat is not enough', async () => {
      await check(app, proven({}), USE_NONCE);
      await check(app, proven({ nonce: 'made-up' }), USE_NONCE);
    });

    it('RFC9449-8: a proof counts once, whatever its iat', async () => {
      const nonce = await nonceOf(app);
      const requests = [-86_400, 0, 86_400].map((offset) => proven({ nonce, iat: seconds() + offset }));
      for (const request of requests) {
        await check(app, request, ACCEPTED);
        await check(app, request, INVALID_PROOF);
      }
    });
  });

  it('RFC9449-6: instances with one secret know each other’s nonces, others do not', async () => {
    const [app, twin, stranger] = [
      await start({}),
      await start({}),
      await start({ nonceSecret: randomBytes(32) }),
    ];
    const nonce = await nonceOf(app);
    await check(twin, proven({ nonce }), ACCEPTED);
    await check(stranger, proven({ nonce }), USE_NONCE);
    await check(app, proven({ nonce: await nonceOf(stranger) }), USE_NONCE);
  });

  it('RFC9449-6: nonces without a secret of their own are unknown to an instance that has one', async () => {
    const { nonceSecret, ...withoutSecret } = { nonceSecret: SECRET, nonce: 'required' as const };
    const app = await startHostileApp(kit.hostile, platform, WAYS.globalGuards, { dpop: withoutSecret });
    apps.push(app);
    const nonce = await nonceOf(app);
    await check(app, proven({ nonce }), ACCEPTED);
    await check(await start({ nonceSecret }), proven({ nonce }), USE_NONCE);
  });

  it('RFC9449-6: a nonce is as long as 96 random bits, and says nothing of the secret', async () => {
    const nonce = await nonceOf(await start({}));
    expect(nonce.length).toBeGreaterThanOrEqual(16);
    expect(nonce).not.toContain(SECRET.toString('base64url').slice(0, 8));
  });

  it('RFC9449-6: a nonce grows old, and the next one comes with the refusal', async () => {
    const app = await start({ nonceLifetime: 2 });
    const nonce = await nonceOf(app);
    await check(app, proven({ nonce }), ACCEPTED);
    await eventually(async () => (await client.send(app.port, proven({ nonce }))).status === 401);
    const next = nonceIn(await check(app, proven({ nonce }), USE_NONCE));
    expect(next).not.toBe(nonce);
    await check(app, proven({ nonce: next }), ACCEPTED);
  });

  it('INV7: a browser may read the nonce of another origin’s API', async () => {
    const app = await startHostileApp(kit.hostile, platform, WAYS.globalGuards, {
      dpop: { nonce: 'required', nonceSecret: SECRET },
      configure: (nest) => nest.enableCors({ origin: true, exposedHeaders: ['X-Page'] }),
    });
    apps.push(app);
    const request = kit.dpop(kit.jwt(), { headers: ['Origin', 'https://app.example.com'] });
    const response = await check(app, request, USE_NONCE);
    const exposed = headerValues(response, 'access-control-expose-headers').join(',').toLowerCase();
    const names = exposed.split(',').map((name) => name.trim());
    expect(names).toEqual(expect.arrayContaining(['x-page', 'www-authenticate', 'dpop-nonce']));
  });

  describe.each(Object.values(WAYS))('$name', (way) => {
    it('RFC9449-6: one nonce, however many guards ask', async () => {
      const app = await start({}, way);
      const nonce = nonceIn(await check(app, kit.dpop(kit.jwt()), USE_NONCE, way));
      await check(app, proven({ nonce }), ACCEPTED, way);
    });
  });
});

function nonceIn(response: HostileResponse): string {
  const [nonce = ''] = headerValues(response, 'dpop-nonce');
  expect(nonce).not.toBe('');
  return nonce;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The next character of base64url: at the end of a text it may differ in bits that a lenient decoder drops. */
function successor(character: string): string {
  return ALPHABET[(ALPHABET.indexOf(character) + 1) % ALPHABET.length] ?? 'A';
}
