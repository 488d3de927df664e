import { FastPathRecord, headerPairs, jwtsIn } from '../hostile/fast-path.js';
import type { Send } from '../hostile/hostile-priming.js';
import type { HostileRequest } from '../hostile/hostile-row.js';
import type { DpopKey } from './dpop-keys.js';
import type { DpopKit } from './dpop-kit.js';
import type { DpopRow } from './dpop-row.js';

/**
 * Before the requests of a row, sends its tokens as those would to whom they may belong, with a fresh proof and nothing
 * odd about it: a token that is good for somebody is then known to the app when the row comes.
 */
export class DpopPriming {
  readonly record = new FastPathRecord();

  /** @returns watches one request of the row; what that returns is called with its status when it has been answered */
  async before(
    row: DpopRow,
    kit: DpopKit,
    requests: readonly HostileRequest[],
    send: Send,
  ): Promise<() => (status: number) => void> {
    const accepted: boolean[] = [];
    for (const token of new Set(requests.flatMap(tokensOf))) {
      accepted.push(await isAcceptedFromSomebody(kit, token, send));
    }
    return () => this.record.watch(row.name, accepted.includes(true), kit.hostile.a);
  }
}

/** With the certificate of client1 in either case, which does no harm where the token does not name it. */
async function isAcceptedFromSomebody(kit: DpopKit, token: string, send: Send): Promise<boolean> {
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

/** What may be a token, wherever a request has it; what the header `DPoP` has is none. */
function tokensOf({ authorization = '', headers = [], query = '', body }: HostileRequest): readonly string[] {
  const pairs = headerPairs(headers).filter(([name]) => name !== 'dpop');
  const fields = pairs.filter(([name]) => name === 'authorization').map(([, value]) => value);
  const sent = [authorization, ...fields].map((value) => value.trim().split(/\s+/).at(-1) ?? '');
  const texts = [authorization, query, body?.text ?? '', ...pairs.map(([, value]) => value)];
  return [...sent, ...texts.flatMap(jwtsIn)].filter((token) => /^[\w.~+/-]+=*$/.test(token));
}
