import { FastPathRecord, headerPairs, jwtsIn } from './fast-path.js';
import type { HostileResponse } from './hostile-client.js';
import type { HostileKit } from './hostile-kit.js';
import type { HostileRequest, HostileRow } from './hostile-row.js';

/** Sends a request to the app under test. */
export type Send = (request: HostileRequest) => Promise<HostileResponse>;

/**
 * Before the request of a row, sends its token as those would to whom it may belong, with nothing odd about it: a token
 * that is good for somebody is then known to the app when the row comes.
 */
export class HostilePriming {
  readonly record = new FastPathRecord();

  /** @returns is called with the status of the row's request when that has been answered */
  async before(
    row: HostileRow,
    kit: HostileKit,
    request: HostileRequest,
    send: Send,
  ): Promise<(status: number) => void> {
    const accepted: boolean[] = [];
    for (const authorization of authorizationsOf(request)) {
      accepted.push(await isAcceptedFromSomebody(kit, authorization, send));
    }
    return this.record.watch(row.name, accepted.includes(true), kit.a);
  }
}

async function isAcceptedFromSomebody(kit: HostileKit, authorization: string, send: Send): Promise<boolean> {
  for (const certificate of [kit.client1, kit.client2]) {
    const { status } = await send({ authorization, certificate });
    if (status !== 401) return status === 200;
  }
  return false;
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
  const bearers = texts.flatMap(jwtsIn).map((token) => `Bearer ${token}`);
  const own = authorization === undefined ? [] : [authorization];
  return [...new Set([...own, ...fields, ...bearers])];
}
