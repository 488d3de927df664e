import type { ChainVerdict } from '../../lib/client-certificate/chain/chain-verdict.js';
import type { ClientCertificate } from '../../lib/client-certificate/client-certificate.js';

/** What is wrong with a chain; `undefined` where it is verified. */
export async function chainErrorOf({ chain }: Pick<ClientCertificate, 'chain'>): Promise<string | undefined> {
  return errorIn(await chain());
}

/** What a verdict says is wrong; `undefined` where nothing is. */
export function errorIn(verdict: ChainVerdict): string | undefined {
  return verdict.kind === 'unverified' ? verdict.error : undefined;
}
