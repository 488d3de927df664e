import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { REMEDIES } from '../explain/remedies.js';
import type { Api, ClientIdentity } from './api.js';
import type { Asked } from './ask.js';
import { callApi, describe, errorOf, isPast } from './call-api.js';
import { notChecked, ok, problem, type Seen } from './finding.js';

/** What the token comes to in the hands of its client. */
export function seeToken(asked: Asked): Seen {
  if (isPast(asked)) return ok(`the token is accepted (${describe(asked)})`);
  const found = `the token is not accepted: ${describe(asked)}`;
  if (asked.kind === 'answered' && asked.status >= 500)
    return problem(found, 'Look at the log of the API: it cannot ask its authorization server, likely.');
  return problem(found, remedyFor(errorOf(asked)));
}

function remedyFor(error: string | undefined): string {
  if (error === 'invalid_dpop_proof')
    return `${REMEDIES.proof_target_mismatch} Where it is right, look at the clocks.`;
  return 'Ask explain about this token: nestjs-cert-bound-auth explain --help. The log of the API has the reason, too.';
}

/** What the token comes to in the hands of somebody who has another certificate, or another key. */
export async function seeStolenToken(
  api: Api,
  token: string,
  owner: Asked,
  stranger: ClientIdentity | undefined,
  signal: AbortSignal,
): Promise<Seen> {
  const { dpopKey, client } = api;
  if (!isPast(owner)) return notChecked('the token is not accepted from its client either');
  const key = dpopKey === undefined ? undefined : strangeKey();
  if (key === undefined && stranger === undefined) return notChecked(NO_STRANGER);
  const asked = await callApi(api, { client: key === undefined ? stranger : client, token, key, signal });
  const who = key === undefined ? 'another certificate' : 'another key';
  if (asked.kind === 'refused' && api.other === undefined)
    return notChecked(
      `a certificate that nobody has issued is refused before the token is looked at: ${GIVE_OTHER}`,
    );
  if (asked.kind === 'failed') return notChecked(asked.problem);
  return isPast(asked)
    ? problem(`the token is accepted with ${who} (${describe(asked)}): who steals it can use it`, UNBOUND)
    : ok(`the token is refused with ${who} (${describe(asked)})`);
}

const GIVE_OTHER = 'give one of another client, which the server trusts, by --other-cert and --other-key';
const NO_STRANGER = `there is no certificate of somebody else: ${GIVE_OTHER}, or install @peculiar/x509`;
const UNBOUND =
  "Look whether the token has cnf, whether binding is 'if-bound', and whether this path is under the guards at all.";

function strangeKey(): NonNullable<Api['dpopKey']> {
  // Node 20 may wait for ever where a key that it has generated itself is made into a JWK.
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return createPrivateKey({ key: privateKey, type: 'pkcs8', format: 'der' });
}

/** Whether proofs count at all: one for another URL must not. */
export async function seeDpop(api: Api, owner: Asked, signal: AbortSignal): Promise<Seen> {
  const { token, dpopKey, url, client } = api;
  if (token === undefined || dpopKey === undefined)
    return notChecked('give a token and its key by --token-file and --dpop-key');
  if (!isPast(owner)) return notChecked('a right proof is not accepted either');
  const target = `${url.origin}/somewhere-else`;
  const asked = await callApi(api, { client, token, key: dpopKey, target, signal });
  return isPast(asked)
    ? problem(
        'a proof for another URL is accepted',
        'Look whether something else than this library checks it.',
      )
    : ok(
        `a proof for ${url.origin}${url.pathname} is accepted, and one for another URL is not (${describe(asked)})`,
      );
}
