import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import type { DemoClient } from './demo-client.js';
import { type DemoContext, PAYMENT, type Step } from './demo-step.js';
import { dpopSteps } from './dpop-steps.js';
import type { HttpsResponse } from './https-client.js';

/** The API's tolerance of clocks that differ (the library's default), and a second for rounding. */
const TOLERANCE_SECONDS = 5 + 1;

/** The steps, in the order in which they must run. */
export async function demoSteps(context: DemoContext): Promise<readonly Step[]> {
  // It grows old while the other steps run.
  const short = await context.client.token('client1-short', 'client1', 'accounts:read');
  await mustWork(context.client, short);
  return [
    ...(await jwtSteps(context)),
    ...(await scopeSteps(context)),
    ...(await opaqueSteps(context)),
    ...(await dpopSteps(context)),
    expiredStep(context, short),
    ...(await outageSteps(context)),
  ];
}

async function jwtSteps({ client }: DemoContext): Promise<readonly Step[]> {
  const token = await client.token('client1', 'client1', 'accounts:read');
  return [
    {
      section: "A JWT of client1, bound to client1's certificate",
      tried: 'client1 calls with its token',
      expected: '200',
      why: 'The caller holds the key that the token is bound to.',
      run: () => client.call('/accounts', { token, certificate: 'client1' }),
    },
    {
      tried: "the same token with client2's certificate",
      expected: '401 invalid_token',
      why: 'A stolen token is worth nothing without the key, even to another client of the bank.',
      run: () => client.call('/accounts', { token, certificate: 'client2' }),
    },
    {
      tried: 'the same token without a certificate',
      expected: '401 invalid_token',
      why: 'A bound token is never a bearer token.',
      run: () => client.call('/accounts', { token }),
    },
    {
      tried: "with a certificate in client1's name by an untrusted CA",
      expected: '401 invalid_token',
      why: 'Anybody can write "client1" into a certificate of their own.',
      run: () => client.call('/accounts', { token, certificate: 'untrusted' }),
    },
    {
      tried: "with client1's expired certificate",
      expected: '401 invalid_token',
      why: 'What the CA no longer vouches for proves nothing.',
      run: () => client.call('/accounts', { token, certificate: 'client1-expired' }),
    },
    {
      tried: 'the token altered: one scope more',
      expected: '401 invalid_token',
      why: 'The signature is over every claim.',
      run: () =>
        client.call('/accounts', { token: addScope(token, 'payments:write'), certificate: 'client1' }),
    },
    {
      tried: "client1's certificate without a token",
      expected: '401 Bearer, DPoP',
      why: 'A certificate says who calls, a token what they may do. No error code: nothing was tried.',
      run: () => client.call('/accounts', { certificate: 'client1' }),
    },
  ];
}

async function scopeSteps({ client }: DemoContext): Promise<readonly Step[]> {
  const reading = await client.token('client1', 'client1', 'accounts:read payments:read');
  const writing = await client.token('client1', 'client1', 'payments:write');
  const other = await client.token('client2', 'client2', 'payments:read');
  const pay = (token: string, body: object): Promise<HttpsResponse> =>
    client.call('/payments', { method: 'POST', token, certificate: 'client1', body });
  return [
    {
      section: 'What a token permits',
      tried: 'client1 pays with a token for reading',
      expected: '403 insufficient_scope',
      why: 'The challenge names the scope to ask the authorization server for.',
      run: () => pay(reading, PAYMENT),
    },
    {
      tried: 'client1 pays with payments:write',
      expected: '201',
      why: 'The payment keeps the thumbprint of the certificate, as evidence.',
      run: () => pay(writing, PAYMENT),
      body: (body) => typeof (body as { initiatedWith?: unknown }).initiatedWith === 'string',
    },
    {
      tried: 'client1 pays an amount of "-1"',
      expected: '400',
      why: 'A good token does not make a good request: the body is checked after it.',
      run: () => pay(writing, { ...PAYMENT, amount: '-1' }),
    },
    {
      tried: 'client1 lists its payments',
      expected: '200',
      why: 'There is one: the one that was accepted.',
      run: () => client.call('/payments', { token: reading, certificate: 'client1' }),
      body: (body) => Array.isArray(body) && body.length === 1,
    },
    {
      tried: 'client2 lists its payments',
      expected: '200',
      why: "There is none: client1's are not for client2 to see.",
      run: () => client.call('/payments', { token: other, certificate: 'client2' }),
      body: (body) => Array.isArray(body) && body.length === 0,
    },
    {
      tried: 'anybody asks for /health',
      expected: '200',
      why: 'A public route asks for neither token nor certificate.',
      run: () => client.call('/health'),
    },
  ];
}

async function opaqueSteps({ client }: DemoContext): Promise<readonly Step[]> {
  const token = await client.token('client1-opaque', 'client1', 'accounts:read');
  const revoked = await client.token('client1-opaque', 'client1', 'accounts:read');
  return [
    {
      section: 'An opaque token, looked up at the authorization server',
      tried: 'client1 calls with its opaque token',
      expected: '200',
      why: 'The binding comes with the answer of the introspection.',
      run: () => client.call('/accounts', { token, certificate: 'client1' }),
    },
    {
      tried: "the same token with client2's certificate",
      expected: '401 invalid_token',
      why: 'It is bound just as a JWT is.',
      run: () => client.call('/accounts', { token, certificate: 'client2' }),
    },
    {
      tried: 'client1 calls with an opaque token that it has revoked',
      expected: '401 invalid_token',
      why: 'Revocation works at once: it worked before, and no answer is kept.',
      run: async () => {
        await mustWork(client, revoked);
        await client.revoke(revoked, 'client1-opaque', 'client1');
        return client.call('/accounts', { token: revoked, certificate: 'client1' });
      },
    },
  ];
}

function expiredStep({ client, waiting, interrupted }: DemoContext, token: string): Step {
  return {
    section: 'Time passes',
    tried: 'client1 calls with a token that has expired',
    expected: '401 invalid_token',
    why: 'It worked when it was new.',
    run: async () => {
      const { exp = 0 } = decodeJwt(token);
      const remaining = (exp + TOLERANCE_SECONDS) * 1000 - Date.now();
      if (remaining > 0) {
        waiting(`waiting ${Math.ceil(remaining / 1000)} s for the token to expire`);
        await sleep(remaining, undefined, { signal: interrupted });
      }
      return client.call('/accounts', { token, certificate: 'client1' });
    },
  };
}

async function outageSteps({ client, stopAuthorizationServer }: DemoContext): Promise<readonly Step[]> {
  const jwt = await client.token('client1', 'client1', 'accounts:read');
  const opaque = await client.token('client1-opaque', 'client1', 'accounts:read');
  return [
    {
      section: 'The authorization server is stopped',
      tried: 'client1 calls with a fresh opaque token',
      expected: '503 Retry-After',
      why: 'An outage is neither a refusal nor a pass: the token may be good, so try again later.',
      run: async () => {
        await stopAuthorizationServer();
        return client.call('/accounts', { token: opaque, certificate: 'client1' });
      },
    },
    {
      tried: 'client1 calls with a JWT',
      expected: '200',
      why: 'The keys of the server are known: JWTs need nobody to be asked.',
      run: () => client.call('/accounts', { token: jwt, certificate: 'client1' }),
    },
  ];
}

/** A refusal shows nothing unless the token was good before. */
async function mustWork(client: DemoClient, token: string): Promise<void> {
  const { status } = await client.call('/accounts', { token, certificate: 'client1' });
  if (status !== 200) throw new Error(`A new token was answered with ${status}`);
}

/** Adds a scope to a JWT and keeps its signature. */
function addScope(token: string, scope: string): string {
  const [header, , signature] = token.split('.');
  const claims = decodeJwt<{ readonly scope?: string }>(token);
  const altered = JSON.stringify({ ...claims, scope: `${claims.scope} ${scope}` });
  return `${header}.${Buffer.from(altered).toString('base64url')}.${signature}`;
}
