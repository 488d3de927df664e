import type { ServerMetadataSource } from '../authorization-server/server-metadata.js';
import { isTlsMethod } from './client-authentication.js';
import type { RemoteIntrospectionSource } from './introspection-rules.js';

/**
 * Where a server is asked about tokens. By mutual TLS, the alias is called where the server has one (RFC 8705 §5).
 * @throws OAuthError 503 when it can't be discovered
 */
export async function introspectionEndpoint(
  { endpoint, clientAuthentication }: RemoteIntrospectionSource,
  metadata: ServerMetadataSource,
): Promise<string> {
  if (endpoint !== undefined) return endpoint;
  return isTlsMethod(clientAuthentication)
    ? metadata.find('mtlsIntrospectionEndpoint', 'introspectionEndpoint')
    : metadata.find('introspectionEndpoint');
}
