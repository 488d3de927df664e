import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { renderFields } from '../common/log-fields.js';
import type { ClientCertificateFinding } from './client-certificate.js';
import { BoundedLog } from '../common/bounded-log.js';

const MINUTE_MS = 60_000;
const MOST_PEERS = 1_000;

/**
 * Tells operations of a peer that sends the header and is not trusted, once a minute, and of ten such peers at most: an
 * attack, or a proxy that was forgotten.
 */
export function untrustedHeaderReport(header: string): (raw: IncomingMessage) => ClientCertificateFinding {
  const lately = new LRUCache<string, true>({ max: MOST_PEERS, ttl: MINUTE_MS });
  const bounded = new BoundedLog();
  return (raw) => {
    const peer = raw.socket.remoteAddress ?? 'unknown';
    const reason = 'certificate_header_untrusted';
    const detail = `${peer} sent the header ${header} and is none of trustedProxies`;
    if (!lately.has(peer)) {
      bounded.write(
        'warn',
        `ignored ${renderFields({ reason })}`,
        `ignored ${renderFields({ reason, detail })}`,
      );
      // Stryker disable next-line BooleanLiteral: what counts is that there is a value
      lately.set(peer, true);
    }
    return { kind: 'none', reason, detail };
  };
}
