import { createHash } from 'node:crypto';
import { MemoryReplayStore, type ReplayStore } from 'nestjs-cert-bound-auth';
import { TestDpopClient, type TestDpopProofOptions } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkDpopProof, type DpopRules } from '../../lib/dpop/check-dpop-proof.js';
import { ProofKeys } from '../../lib/dpop/proof-keys.js';
import type { HttpRequest } from '../../lib/request/http-request.js';

const NOW = 1_800_000_000;
const API = 'https://api.example.com';
const OLD_API = 'https://old.example.org/v2';
const TOKEN = 'token';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

let client: TestDpopClient;
beforeAll(async () => {
  client = await TestDpopClient.create();
});
afterEach(() => {
  vi.useRealTimers();
});

const unusedBefore: ReplayStore = { addIfAbsent: async () => true };

/** Checks a proof, right but for this, of a GET of this target. */
async function check(
  target: string,
  differs: Partial<TestDpopProofOptions>,
  bases: readonly string[] = [API],
  replayStore = unusedBefore,
): Promise<unknown> {
  const proof = await client.proof({ url: API + target, token: TOKEN, issuedAt: NOW, ...differs });
  const request = { method: 'GET', url: target, rawHeaders: ['DPoP', proof] };
  const rules: DpopRules = {
    publicBasesOf: () => bases,
    algorithms: ['ES256'],
    proofLifetime: 60,
    clockSkew: 10,
    maxProofLength: 4096,
    nonces: undefined,
    replayStore,
    keys: new ProofKeys(),
  };
  return checkDpopProof(
    request as unknown as HttpRequest,
    digestOf(TOKEN),
    client.thumbprint,
    rules,
    NOW * 1000,
  );
}

const accepted = { nextNonce: undefined };
const otherTarget = (detail: string): object => ({ reason: 'proof_target_mismatch', detail });

describe('RFC9449-2: the target of a proof', () => {
  test.each(['*', 'api.example.com:443', '/a/../b'])(
    'a request target that the router may read in another way, %s, is matched by no proof',
    async (target) => {
      const detail = 'the target of the request is none that a proof can name';
      for (const htu of [target, API + target, `${API}/b`]) {
        await expect(check(target, { claims: { htu } })).rejects.toMatchObject(otherTarget(detail));
      }
    },
  );

  test('a client that writes the URL as it has requested it is right, even where RFC 3986 would encode it', async () => {
    for (const htu of [`${API}/a{b}`, `${API}/a%7Bb%7D`]) {
      expect(await check('/a{b}', { claims: { htu } })).toEqual(accepted);
    }
    await expect(check('/a{b}', { claims: { htu: `${API}/a{c}` } })).rejects.toMatchObject(
      otherTarget('its htu is no http: or https: URI'),
    );
  });

  test('the log tells another path from another API where there are several publicUrls', async () => {
    const bases = [API, OLD_API];
    for (const base of bases) {
      for (const htu of [`${base}/a`, `${base}/./a`]) {
        expect(await check('/a', { claims: { htu } }, bases)).toEqual(accepted);
      }
      await expect(check('/a', { url: `${base}/b` }, bases)).rejects.toMatchObject(
        otherTarget(`its htu is "${base}/b", expected ["${API}/a","${OLD_API}/a"]`),
      );
    }
    await expect(check('/a', { url: 'https://old.example.org/a' }, bases)).rejects.toMatchObject(
      otherTarget(
        `its htu is "https://old.example.org/a", expected ["${API}/a","${OLD_API}/a"]: it is not under publicUrl`,
      ),
    );
  });
});

test('RFC9449-2: a request without a publicUrl is matched by no proof', async () => {
  for (const htu of [`${API}/a`, '/a']) {
    await expect(check('/a', { claims: { htu } }, [])).rejects.toMatchObject({
      reason: 'proof_target_mismatch',
    });
  }
});

describe('RFC9449-1: the key of a proof', () => {
  test.each([undefined, 'other', 'ec', 'toString', { toString: 1, valueOf: 1 }])(
    'a key of the impossible type %j is refused, and is no error of ours',
    async (kty) => {
      const jwk = { kty, crv: 'Ed25519', x: 'A'.repeat(43) };
      await expect(check('/', { header: { jwk } })).rejects.toMatchObject({
        refusal: { status: 401, code: 'invalid_dpop_proof' },
        reason: 'proof_key_unusable',
        detail: 'the jwk of the proof: its kty is not RSA, EC or OKP',
      });
    },
  );
});

describe('RFC9449-8: the replay store', () => {
  const jti = 'jti';
  const key = (): string => `${client.thumbprint}.${digestOf(jti)}`;

  test('the store in memory is asked at once, and recognises a used proof', async () => {
    const replayStore = new MemoryReplayStore({ now: () => NOW * 1000 });
    expect(await check('/', { claims: { jti } }, [API], replayStore)).toEqual(accepted);
    expect(await replayStore.addIfAbsent(key(), 1)).toBe(false);
    await expect(check('/', { claims: { jti } }, [API], replayStore)).rejects.toMatchObject({
      reason: 'proof_replayed',
    });
  });

  test('a store that extends the one in memory is asked by its own method', async () => {
    const asked: unknown[] = [];
    class Recording extends MemoryReplayStore {
      override async addIfAbsent(...question: readonly [string, number]): Promise<boolean> {
        asked.push(question);
        return super.addIfAbsent(...question);
      }
    }
    const replayStore = new Recording({ now: () => NOW * 1000 });
    expect(await check('/', { claims: { jti } }, [API], replayStore)).toEqual(accepted);
    expect(asked).toEqual([[key(), 80]]);
  });

  test('a store whose method has been replaced is asked by the new method', async () => {
    const refusing = vi.spyOn(MemoryReplayStore.prototype, 'addIfAbsent').mockResolvedValue(false);
    try {
      await expect(check('/', {}, [API], new MemoryReplayStore())).rejects.toMatchObject({
        reason: 'proof_replayed',
      });
    } finally {
      refusing.mockRestore();
    }
  });

  test('a store that cannot even be looked at is an outage', async () => {
    const replayStore = {
      get addIfAbsent(): never {
        throw new Error('not now');
      },
    };
    await expect(check('/', {}, [API], replayStore)).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'replay_store_unavailable',
      detail: 'not now',
    });
  });

  test.each([
    ['one client', { maxEntriesPerKey: 1 }, 429, 'proofs_too_many'],
    ['all clients', { maxEntries: 1 }, 503, 'replay_store_unavailable'],
  ])('a store that is full for %s lets no further proof pass', async (_, limits, status, reason) => {
    const now = (): number => NOW * 1000;
    const memory = new MemoryReplayStore({ ...limits, now });
    const other = new MemoryReplayStore({ ...limits, now });
    for (const replayStore of [memory, { addIfAbsent: other.addIfAbsent.bind(other) }]) {
      await check('/', {}, [API], replayStore);
      await expect(check('/', {}, [API], replayStore)).rejects.toMatchObject({ refusal: { status }, reason });
    }
  });

  test.each([1, 'true', {}, undefined])(
    'a store that answers %j instead of true lets nothing pass',
    async (answer) => {
      const replayStore = { addIfAbsent: async () => answer as never };
      await expect(check('/', {}, [API], replayStore)).rejects.toMatchObject({ reason: 'proof_replayed' });
    },
  );
});

test('INV3: a replay store that never answers is an outage after five seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let asked = (): void => undefined;
  const whenAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const addIfAbsent = async (): Promise<boolean> => {
    asked();
    return new Promise(() => undefined);
  };
  const refused = expect(check('/', {}, [API], { addIfAbsent })).rejects.toMatchObject({
    refusal: { status: 503 },
    reason: 'replay_store_unavailable',
    detail: 'the replay store did not answer within 5000 ms',
  });
  await whenAsked;
  await vi.advanceTimersByTimeAsync(5000);
  await refused;
});
