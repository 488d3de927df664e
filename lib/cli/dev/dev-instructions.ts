import { join } from 'node:path';
import type { DevArguments } from './dev-arguments.js';

/** What is printed when the server has started: what to configure, and commands that can be pasted into a shell. */
export function devInstructions(
  { folder, audiences, scope, api }: DevArguments,
  issuer: string,
  token: string,
): string {
  const path = (name: string): string => join(folder, name);
  const read = (name: string): string => `readFileSync(${code(path(name))})`;
  const curl = `curl -sS --cacert ${shell(path('ca.crt'))}`;
  const as = (client: string): string =>
    `--cert ${shell(path(`${client}.crt`))} --key ${shell(path(`${client}.key`))}`;
  const call = (client: string): string =>
    `${curl} -i -w '\\n' ${as(client)} -H "Authorization: Bearer $TOKEN" ${shell(`${api}/`)}`;
  return `
  Authorization server   ${issuer}
  Mint tokens by hand    ${issuer}/
  Certificates, secrets  ${folder} (git ignores it; the certificates hold for 90 days)

Options of CertBoundAuthModule.forRoot:

  audience: ${code(audiences[0])},
  authorizationServers: [{ issuer: ${code(issuer)}, tls: { ca: ${read('ca.crt')} } }],

TLS of the API:

  mutualTls({ key: ${read('server.key')}, cert: ${read('server.crt')}, ca: ${read('ca.crt')} })

A token of client1, bound to its certificate, for an hour:

${token}

Paste into another terminal, in this directory:

# 1. client1 gets a token.
TOKEN=$(${curl} ${as('client1')} \\
  -d grant_type=client_credentials -d client_id=client1${scope === undefined ? '' : ` -d ${shell(`scope=${scope}`)}`} \\
  ${issuer}/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

# 2. client1 calls the API with it: 200.
${call('client1')}

# 3. client2 has stolen the token: 401.
${call('client2')}

Opaque tokens are those of client1-opaque and client2-opaque; partner1 has a secret and sends DPoP proofs. To look tokens up,
the API is the client api. Both secrets are in ${path('secrets.json')}. Ctrl-C ends the server.
`;
}

/** As a literal of TypeScript. */
function code(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}

/** Quoted for the shell, if it needs to be. */
function shell(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
