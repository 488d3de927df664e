import type { DemoContext, Step } from './demo-step.js';
import { PAYMENT } from './demo-step.js';
import { DpopKey } from './dpop-key.js';

/** What a client without a certificate may do, and what becomes of its token in other hands (RFC 9449). */
export async function dpopSteps({ client }: Pick<DemoContext, 'client'>): Promise<readonly Step[]> {
  const [key, thief] = await Promise.all([DpopKey.create(), DpopKey.create()]);
  const scope = 'accounts:read payments:read payments:write';
  const token = await client.dpopToken('partner1', key, scope);
  const opaque = await client.dpopToken('partner1-opaque', key, scope);
  let used = '';
  return [
    {
      section: 'partner1 has no certificate: its tokens are bound to a key by DPoP (RFC 9449)',
      tried: 'partner1 calls with its token and a proof',
      expected: '401 use_dpop_nonce',
      why: 'A proof must hold a nonce of the API: so none can be made today for tomorrow.',
      run: async () =>
        client.call('/accounts', { token, proof: await client.proof(key, token, '/accounts') }),
    },
    {
      tried: 'with a new proof, which holds the nonce of that answer',
      expected: '200',
      why: 'The key that the token is bound to has signed this request, just now.',
      run: async () => {
        used = await client.proof(key, token, '/accounts');
        return client.call('/accounts', { token, proof: used });
      },
    },
    {
      tried: 'the same request once more',
      expected: '401 invalid_dpop_proof',
      why: 'A proof works once: who has read it in a log cannot use it again.',
      run: () => client.call('/accounts', { token, proof: used }),
    },
    {
      tried: "the same token with a proof by the thief's own key",
      expected: '401 invalid_token',
      why: 'A stolen token is worth nothing without the key that it is bound to.',
      run: async () =>
        client.call('/accounts', { token, proof: await client.proof(thief, token, '/accounts') }),
    },
    {
      tried: 'the same token as a bearer token',
      expected: '401 invalid_token',
      why: 'Who leaves out the proof does not leave out the check.',
      run: () => client.call('/accounts', { token }),
    },
    {
      tried: 'a GET with a proof for POST',
      expected: '401 invalid_dpop_proof',
      why: 'A proof is for one method: what was signed for one action is no proof for another.',
      run: async () => {
        const proof = await client.proof(key, token, '/accounts', { method: 'POST' });
        return client.call('/accounts', { token, proof });
      },
    },
    {
      tried: 'a proof for another API',
      expected: '401 invalid_dpop_proof',
      why: 'What partner1 sends to another API, that API cannot use here.',
      run: async () => {
        const proof = await client.proof(key, token, '/accounts', { apiUrl: 'https://shop.example' });
        return client.call('/accounts', { token, proof });
      },
    },
    {
      tried: 'partner1 lists its payments',
      expected: '200',
      why: 'To read, a proof will do.',
      run: async () =>
        client.call('/payments', { token, proof: await client.proof(key, token, '/payments') }),
    },
    {
      tried: 'partner1 pays, with a proof for it',
      expected: '401 invalid_token',
      why: "Proof and scope are right, but this route demands more: @SenderConstrained('certificate').",
      run: async () => {
        const proof = await client.proof(key, token, '/payments', { method: 'POST' });
        return client.call('/payments', { method: 'POST', token, proof, body: PAYMENT });
      },
    },
    {
      tried: 'partner1 calls with an opaque token and a proof',
      expected: '200',
      why: 'The key comes with the answer of the introspection.',
      run: async () =>
        client.call('/accounts', { token: opaque, proof: await client.proof(key, opaque, '/accounts') }),
    },
    {
      tried: "the same token with a proof by the thief's own key",
      expected: '401 invalid_token',
      why: 'It is bound just as a JWT is.',
      run: async () =>
        client.call('/accounts', { token: opaque, proof: await client.proof(thief, opaque, '/accounts') }),
    },
  ];
}
