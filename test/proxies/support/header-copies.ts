import type { SentHeaders } from './public-client.js';

/** Ways for a client to send the proxy's header itself, by what is special about them. */
export function headerCopies(value: string): Readonly<Record<string, SentHeaders>> {
  return {
    'as the proxy writes it': [['X-SSL-Client-Cert', value]],
    'in lower case': [['x-ssl-client-cert', value]],
    'in upper case': [['X-SSL-CLIENT-CERT', value]],
    repeated: [
      ['X-SSL-Client-Cert', value],
      ['X-SSL-Client-Cert', value],
    ],
    'repeated in another case': [
      ['X-SSL-Client-Cert', value],
      ['x-ssl-CLIENT-cert', value],
    ],
    'after an empty one': [
      ['X-SSL-Client-Cert', ''],
      ['X-SSL-Client-Cert', value],
    ],
    'with underscores': [['X_SSL_Client_Cert', value]],
    'with one underscore': [['X-SSL_Client-Cert', value]],
    'with a verdict': [
      ['X-SSL-Client-Cert', value],
      ['X-SSL-Client-Verify', 'SUCCESS'],
      ['X_SSL_Client_Verify', 'SUCCESS'],
    ],
    'under the names of other proxies': [
      ['Client-Cert', `:${value}:`],
      ['X-Client-Cert', value],
      ['X-Forwarded-Client-Cert', value],
      ['X-Forwarded-Tls-Client-Cert', value],
      ['Ssl-Client-Cert', value],
    ],
  };
}

/** The same by lines that are no proper headers: one of two readers could take them for one. */
export function brokenCopies(value: string): Readonly<Record<string, readonly string[]>> {
  return {
    'a space before the colon': [`X-SSL-Client-Cert : ${value}`],
    'a tab before the colon': [`X-SSL-Client-Cert\t: ${value}`],
    'a folded line': ['X-Other: 1', ` X-SSL-Client-Cert: ${value}`],
    'a carriage return alone': [`X-Other: 1\rX-SSL-Client-Cert: ${value}`],
    'a line feed alone': [`X-Other: 1\nX-SSL-Client-Cert: ${value}`],
    'a null byte in the name': [`X-SSL-Client-Cert\0: ${value}`],
  };
}
