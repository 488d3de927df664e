import type {
  ForwardedCertificate,
  ForwardedCertificateParser,
  ForwardedCertificateResult,
} from './forwarded-certificate.js';
import { MalformedValue } from './malformed-value.js';

/** Most characters of a value. Node takes 16 KiB of all headers together, unless `maxHeaderSize` says otherwise. */
const MAX_LENGTH = 65_536;

/** How proxies write that there was no certificate: not at all, as a log would (`-`), as Apache does (`(null)`). */
const ABSENT: ReadonlySet<string> = new Set(['', '-', '(null)']);
/** A variable in the proxy's configuration that nothing was put in the place of: Caddy has none without a certificate. */
const PLACEHOLDER = /^\{[\w.-]+\}$/;

/** Around nothing there may be what the configuration puts around a certificate: RFC 9440's colons, HAProxy's quotes. */
function isAbsent(value: string): boolean {
  const bare = without('"', without(':', value));
  return ABSENT.has(bare) || PLACEHOLDER.test(bare);
}

/** A text without the mark at its beginning and at its end; as it is where either is missing. */
export function without(mark: '"' | ':', text: string): string {
  return text.length > 1 && text.startsWith(mark) && text.endsWith(mark) ? text.slice(1, -1) : text;
}

/**
 * Makes a parser of what is the same in every format and what is not.
 * @param read reads a value that is there and not too long, without the spaces around it; it may throw MalformedValue
 */
export function headerParser(read: (value: string) => ForwardedCertificate): ForwardedCertificateParser {
  return (value) => {
    if (value.length > MAX_LENGTH) return malformed(`it is longer than ${MAX_LENGTH} characters`);
    const trimmed = value.trim();
    return isAbsent(trimmed) ? { kind: 'absent' } : attempt(() => read(trimmed));
  };
}

function attempt(read: () => ForwardedCertificate): ForwardedCertificateResult {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedValue) return malformed(error.detail);
    throw error;
  }
}

function malformed(detail: string): ForwardedCertificateResult {
  return { kind: 'malformed', detail };
}
