import type { ForwardedCertificateFormat } from '../../cert-bound-auth.options.js';
import type { ForwardedCertificateParser } from './forwarded-certificate.js';
import { parseDer, parseSingleDer } from './parse-der.js';
import { parsePem } from './parse-pem.js';
import { parseRfc9440 } from './parse-rfc9440.js';
import { xfccParser } from './parse-xfcc.js';

/** The parser of a format. */
export function parserOf(format: ForwardedCertificateFormat): ForwardedCertificateParser {
  if (typeof format === 'object') {
    if (!('xfcc' in format)) return parseSingleDer;
    const { hop, hashAlone = false } = format.xfcc;
    return xfccParser({ hop, hashAlone });
  }
  switch (format) {
    case 'rfc9440':
      return parseRfc9440;
    case 'pem':
      return parsePem;
    case 'der':
      return parseDer;
    case 'xfcc':
      return xfccParser({ hop: undefined, hashAlone: false });
  }
}
