import type {
  ForwardedCertificate,
  ForwardedCertificateParser,
  ForwardedCertificateResult,
} from './forwarded-certificate.js';
import { MalformedValue } from './malformed-value.js';

/** Most characters of a value. Node takes 16 KiB of all headers together, unless `maxHeaderSize` says otherwise. */
const MAX_LENGTH = 65_536;

/**
 * How proxies write that there was no certificate: not at all, as a log would (`-`), as Apache does (`(null)`), and
 * where the configuration puts RFC 9440's colons around nothing (`::`).
 */
const ABSENT: ReadonlySet<string> = new Set(['', '-', '(null)', '::']);

/**
 * Makes a parser of what is the same in every format and what is not.
 * @param read reads a value that is there and not too long, without the spaces around it; it may throw MalformedValue
 */
export function headerParser(read: (value: string) => ForwardedCertificate): ForwardedCertificateParser {
  return (value) => {
    if (value.length > MAX_LENGTH) return malformed(`it is longer than ${MAX_LENGTH} characters`);
    const trimmed = value.trim();
    return ABSENT.has(trimmed) ? { kind: 'absent' } : attempt(() => read(trimmed));
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
