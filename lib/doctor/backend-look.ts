import { REMEDIES } from '../explain/remedies.js';
import type { Api, ClientIdentity } from './api.js';
import { ask, type Asked } from './ask.js';
import { note, ok, problem, type Seen } from './finding.js';
import { seeForgedHeader } from './forged-header-look.js';

/** Whether the API can be called past its proxy, and believes a header that did not come from the proxy. */
export async function seeBackend(
  api: Api,
  backend: URL,
  owner: Asked | undefined,
  stranger: ClientIdentity | undefined,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  const plain = await ask(backend, { ca: api.ca, client: stranger, signal });
  if (plain.kind === 'failed') return [ok(`a direct call does not reach it (${plain.problem})`)];
  if (plain.kind === 'refused') return [ok(`a direct call is refused in the handshake (${plain.problem})`)];
  if (plain.status < 300)
    return [
      problem(
        `a direct call is answered ${plain.status} without a token`,
        'Only the proxy checks anything: check tokens in the API as well, or let nobody else reach it.',
      ),
    ];
  const reached = note(
    `a direct call from here reaches it (${plain.status})`,
    `Let nobody but the proxy reach it. ${REMEDIES.certificate_header_untrusted}`,
  );
  return owner === undefined
    ? [reached]
    : [reached, await seeForgedHeader(api, owner, stranger, signal, backend)];
}
