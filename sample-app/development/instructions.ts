import { isAbsolute, join, relative } from 'node:path';
import type { Servers } from './servers.js';

/** What `npm start` prints: where the servers are, and commands that can be pasted into another terminal. */
export function instructions({ issuer, apiUrl, pki }: Servers): string {
  const directory = shortest(pki);
  const file = (name: string): string => quote(join(directory, name));
  const curl = `curl -sS --cacert ${file('ca.crt')}`;
  const as = (certificate: string): string =>
    `--cert ${file(`${certificate}.crt`)} --key ${file(`${certificate}.key`)}`;
  const token = (variable: string, clientId: string, certificate: string): string[] => [
    `${variable}=$(${curl} ${as(certificate)} \\`,
    `  -d grant_type=client_credentials -d client_id=${clientId} \\`,
    `  -d 'scope=accounts:read payments:read payments:write' \\`,
    `  ${issuer}/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
  ];
  const call = (certificate: string, variable: string, path: string): string[] => [
    `${curl} -i -w '\\n' ${as(certificate)} \\`,
    `  -H "Authorization: Bearer $${variable}" ${apiUrl}${path}`,
  ];

  return [
    '',
    `  Authorization server   ${issuer}`,
    `  API                    ${apiUrl}`,
    '',
    isAbsolute(directory)
      ? 'Paste into another terminal:'
      : 'Paste into another terminal, in this directory:',
    '',
    '# 1. client1 gets a token, a JWT bound to its certificate.',
    ...token('TOKEN', 'client1', 'client1'),
    '',
    '# 2. client1 calls the API with it: 200.',
    ...call('client1', 'TOKEN', '/accounts'),
    '',
    '# 3. client2 has stolen the token: 401, for it has not the key of client1.',
    ...call('client2', 'TOKEN', '/accounts'),
    '',
    '# 4. client1 makes a payment: 201.',
    `${curl} -i -w '\\n' ${as('client1')} \\`,
    `  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`,
    `  -d '{"amount":"12.50","currency":"EUR","creditorIban":"DE89370400440532013000","reference":"Invoice 7"}' \\`,
    `  ${apiUrl}/payments`,
    '',
    '# 5. The same with an opaque token, which the API looks up: 200.',
    ...token('OPAQUE', 'client1-opaque', 'client1'),
    ...call('client1', 'OPAQUE', '/accounts'),
    '',
    '# 6. A public route asks for nothing: 200.',
    `${curl} -i -w '\\n' ${apiUrl}/health`,
    '',
    '# curl makes no DPoP proofs: `npm run demo` shows what they are for.',
    '',
    'Ctrl-C ends both servers.',
    '',
  ].join('\n');
}

/** The path from here, unless it leads out of this directory. */
function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere === '' || fromHere.startsWith('..') ? path : fromHere;
}

/** Quoted for the shell, if it needs to be. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
