import type { RevocationSourceHealth } from '../events/revocation-source-health.js';
import { type Expiring, expiringCertificate } from '../common/expiry-watch.js';
import { onOneLine } from '../common/on-one-line.js';
import type { CertificateSettings } from './certificate-settings.js';
import { readCaTrust } from './chain/ca-trust.js';

/** The CAs by which certificates from a proxy are checked here: those they must lead to, and those between. */
export function expiringCas({ trust }: CertificateSettings): readonly Expiring[] {
  if (typeof trust === 'string') return [];
  const { anchors, between } = readCaTrust(trust);
  return [...anchors, ...between].map((ca) => expiringCertificate('the CA of client certificates', ca));
}

/** A list may be out of date after this part of its time, before which CAs publish the next one. */
const NOTICE_SHARE = 1 / 10;

/** The revocation lists that are known. */
export function expiringLists(sources: readonly RevocationSourceHealth[]): readonly Expiring[] {
  return sources.flatMap(({ source, thisUpdate, nextUpdate }) => {
    if (thisUpdate === undefined || nextUpdate === undefined) return [];
    const until = nextUpdate * 1_000;
    return {
      what: `the revocation list ${onOneLine(source)}`,
      until,
      notice: (until - thisUpdate * 1_000) * NOTICE_SHARE,
    };
  });
}
