import { AuthorizationServer } from './access-token/authorization-server.js';
import { KnownTokens } from './access-token/known-tokens.js';
import type { AuthenticationRules } from './authenticate-request.js';
import type { DpopRules } from './dpop/check-dpop-proof.js';
import { createDpopRules } from './dpop/dpop-rules.js';
import { SeenCertificates } from './client-certificate/seen-certificates.js';
import type { ResolvedOptions } from './options/resolve-options.js';
import { createCertificateSource } from './client-certificate/certificate-source.js';

/**
 * Makes what requests are decided by: the authorization servers, the source of certificates, the rules of DPoP.
 * @param dpop those of DPoP, where they are shared
 */
export function createAuthenticationRules(
  options: ResolvedOptions,
  dpop: DpopRules | undefined = options.dpop === undefined ? undefined : createDpopRules(options.dpop),
): AuthenticationRules {
  const servers = options.authorizationServers.map((settings) => new AuthorizationServer(settings));
  return {
    servers: {
      byIssuer: new Map(servers.map((server) => [server.settings.issuer, server])),
      forOpaqueTokens: servers.filter((server) => server.settings.introspection !== undefined),
    },
    knownTokens: options.tokenCache === undefined ? undefined : new KnownTokens(options.tokenCache),
    certificateSource: createCertificateSource(options.clientCertificate),
    seenCertificates: new SeenCertificates(),
    schemes: dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'],
    dpop,
    options,
  };
}

/** Ends the connections to the authorization servers. */
export async function closeAuthenticationRules({ servers }: AuthenticationRules): Promise<void> {
  await Promise.all([...servers.byIssuer.values()].map(async (server) => server.close()));
}
