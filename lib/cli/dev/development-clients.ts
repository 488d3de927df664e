import { equalInConstantTime } from '../../common/equal-in-constant-time.js';
import type { SecretOwner } from './development-folder.js';
import { EndpointRefusal } from './endpoint-answer.js';

/** Who may ask for tokens, and by what it authenticates. */
type DevelopmentClient =
  | { readonly clientId: string; readonly format: 'jwt' | 'opaque'; readonly commonName: string }
  | { readonly clientId: string; readonly format: 'jwt' | 'opaque'; readonly secretOf: SecretOwner };

/** Clients whose tokens are bound to their certificate, and those that have none, whose tokens are bound by DPoP. */
const CLIENTS: readonly DevelopmentClient[] = [
  { clientId: 'client1', format: 'jwt', commonName: 'client1' },
  { clientId: 'client2', format: 'jwt', commonName: 'client2' },
  { clientId: 'client1-opaque', format: 'opaque', commonName: 'client1' },
  { clientId: 'client2-opaque', format: 'opaque', commonName: 'client2' },
  { clientId: 'partner1', format: 'jwt', secretOf: 'partner1' },
  { clientId: 'partner1-opaque', format: 'opaque', secretOf: 'partner1' },
  { clientId: 'api', format: 'jwt', secretOf: 'api' },
];

/** The certificate that the peer of a connection has proved. */
export interface PeerCertificate {
  readonly commonName: string;
  readonly thumbprint: string;
}

/** What a caller shows of itself. */
export interface ClientCredentials {
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
  /** One of the development CA, within its validity; or none. */
  readonly certificate: PeerCertificate | undefined;
}

/** A client that has authenticated. */
export interface AuthenticatedClient {
  readonly clientId: string;
  readonly format: 'jwt' | 'opaque';
  /** Of the certificate by which it has authenticated. */
  readonly certificateThumbprint: string | undefined;
}

/**
 * Authenticates a client by certificate (`tls_client_auth`, RFC 8705 §2.1) or by secret, in the header or in the form.
 * @throws EndpointRefusal `invalid_client`
 */
export function authenticateClient(
  credentials: ClientCredentials,
  secrets: Readonly<Record<SecretOwner, string>>,
): AuthenticatedClient {
  const { clientId, secret } = claimedBy(credentials);
  const client = CLIENTS.find((known) => known.clientId === clientId);
  if (client === undefined)
    throw invalidClient(`the clients are ${CLIENTS.map((known) => known.clientId).join(', ')}`);
  const { format } = client;
  if ('secretOf' in client) {
    if (secret === undefined || !equalInConstantTime(secret, secrets[client.secretOf])) {
      throw invalidClient(
        `${client.clientId} authenticates by the secret of ${client.secretOf} in secrets.json`,
      );
    }
    return { clientId: client.clientId, format, certificateThumbprint: undefined };
  }
  const { certificate } = credentials;
  if (certificate?.commonName !== client.commonName) {
    throw invalidClient(`${client.clientId} authenticates by the certificate ${client.commonName}.crt`);
  }
  return { clientId: client.clientId, format, certificateThumbprint: certificate.thumbprint };
}

interface Claimed {
  readonly clientId: string | undefined;
  readonly secret: string | undefined;
}

function claimedBy({ authorization, form }: ClientCredentials): Claimed {
  if (authorization === undefined) {
    return { clientId: form.get('client_id') ?? undefined, secret: form.get('client_secret') ?? undefined };
  }
  const encoded = /^Basic ([\w+/=-]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) throw invalidClient('the Authorization header is not of the scheme Basic');
  const [clientId = '', secret = ''] = Buffer.from(encoded, 'base64')
    .toString()
    .split(':', 2)
    .map(formDecode);
  return { clientId, secret };
}

/** RFC 6749 §2.3.1: name and secret are form-encoded before they are put together. */
function formDecode(text: string): string {
  return new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v') ?? '';
}

function invalidClient(description: string): EndpointRefusal {
  return new EndpointRefusal(401, 'invalid_client', description);
}
