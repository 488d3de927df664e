import { randomBytes, X509Certificate } from 'node:crypto';
import { AuthorizationServer } from '../access-token/authorization-server.js';
import type { AuthorizationServerRules } from '../access-token/authorization-server-rules.js';
import { asOutage } from '../authorization-server/as-outage.js';
import { quoted, quotedList } from '../common/quoted.js';
import { REMEDIES } from '../explain/remedies.js';
import type { RemoteIntrospectionSource } from '../introspection/introspection-rules.js';
import { readTokenShape } from '../jose/token-shape.js';
import { pemText } from '../tls/pem.js';
import { certificateRequestOf } from './certificate-request.js';
import { seeClientCertificate } from './client-certificate-look.js';
import { notChecked, ok, problem, type Seen } from './finding.js';

/** Asks about a token that nobody has, as an API asks about each: expected is that it is not active. */
export async function seeIntrospection(rules: AuthorizationServerRules, clientId: string): Promise<Seen> {
  const answer = await lookedUp(rules, randomBytes(32).toString('base64url'));
  const { reason, detail } = answer;
  switch (reason) {
    case 'token_inactive':
      return detail === 'active is not a boolean'
        ? problem('active is no boolean in its answer', 'Have the server answer as RFC 7662 says.')
        : ok(
            `the credentials of ${quoted(clientId)} are accepted, and a token that nobody has is not active`,
          );
    case 'introspection_refused':
      return problem(`a token that nobody has is refused: ${detail}`, REMEDIES.introspection_refused);
    default:
      return isAnswered(reason)
        ? problem(
            'it says that a token which nobody has is active',
            'Look at the endpoint: it is no introspection, or stands for tests.',
          )
        : problem(`${reason}: ${detail}`, REMEDIES[reason as keyof typeof REMEDIES]);
  }
}

/** Whether the server says anything of a token: what is wrong is then in what it says. */
function isAnswered(reason: string): boolean {
  return !reason.startsWith('authorization_server');
}

interface LookedUp {
  readonly reason: string;
  readonly detail: string | undefined;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** By the code that asks about tokens of callers. */
async function lookedUp(rules: AuthorizationServerRules, token: string): Promise<LookedUp> {
  const server = new AuthorizationServer(rules);
  try {
    const { claims } = await server.lookUp(token);
    return { reason: 'active', detail: undefined, claims };
  } catch (error) {
    const { reason, detail } = asOutage(error);
    return { reason, detail };
  } finally {
    await server.close();
  }
}

/** Whether the server is content with a token whose `aud` does not name the client that asks. */
export async function seeIntrospectionAudience(
  rules: AuthorizationServerRules,
  clientId: string,
  token: string,
): Promise<Seen> {
  const shape = readTokenShape(token);
  const payload = shape.kind === 'jwt' ? shape.payload : {};
  if (shape.kind === 'jwt' && payload['iss'] !== rules.issuer)
    return notChecked('the token is of another issuer');
  const { reason, detail, claims } = await lookedUp(rules, token);
  const audience = [claims?.['aud'] ?? payload['aud'] ?? []].flat();
  const isNamed = audience.includes(clientId);
  const whose = `${quotedList(audience)} ${isNamed ? 'names' : 'does not name'} the client ${quoted(clientId)}`;
  if (reason === 'active') return ok(`the token is active, and its aud ${whose}`);
  if (reason !== 'token_inactive')
    return problem(`${reason}: ${detail}`, REMEDIES[reason as keyof typeof REMEDIES]);
  if (isNamed || shape.kind !== 'jwt') return problem('the token is not active', REMEDIES.token_inactive);
  return problem(`the token is not active, and its aud ${whose}`, REMEDIES.token_inactive);
}

/** Whether the endpoint asks for the certificate by which this API proves itself. */
export async function seeIntrospectionTls(
  { http }: AuthorizationServerRules,
  endpoint: string,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  const pem = pemText(http.tls.cert);
  const request = await certificateRequestOf(new URL(endpoint), signal);
  return seeClientCertificate(new X509Certificate(pem), request, REMEDY);
}

const REMEDY =
  'The endpoint must ask for certificates where tls_client_auth is used: set introspection.endpoint to the one that does, or have the metadata name it in mtls_endpoint_aliases.';

/** The client id by which a server is asked. */
export function clientIdOf({ clientAuthentication }: RemoteIntrospectionSource): string {
  return clientAuthentication.clientId;
}
