import type { X509Certificate } from 'node:crypto';

const DAY = 86_400_000;
/** Who renews by hand needs some days for it. */
const SOON = 14 * DAY;

/** That a certificate is over soon; `undefined` while there is time. */
export function expiryOf({ validTo }: X509Certificate): string | undefined {
  const left = Date.parse(validTo) - Date.now();
  return left < SOON ? `it expires in ${Math.floor(left / DAY)} days` : undefined;
}
