import type { IncomingMessage } from 'node:http';
import { renderFields } from '../common/log-fields.js';
import type { ClientCertificateFinding } from './client-certificate.js';
import { SeldomLog } from '../common/seldom-log.js';

/**
 * Tells operations of a peer that sends the header and is not trusted, once a minute, and of ten such peers at most: an
 * attack, or a proxy that was forgotten.
 */
export function untrustedHeaderReport(header: string): (raw: IncomingMessage) => ClientCertificateFinding {
  const reason = 'certificate_header_untrusted';
  const warnings = new SeldomLog(`ignored ${renderFields({ reason })}`);
  return (raw) => {
    const peer = raw.socket.remoteAddress ?? 'unknown';
    const detail = `${peer} sent the header ${header} and is none of trustedProxies`;
    warnings.warn(peer, () => `ignored ${renderFields({ reason, detail })}`);
    return { kind: 'none', reason, detail };
  };
}
