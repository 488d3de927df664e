import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { ServerSettings } from './server-settings.js';
import { type Middleware, requirePeer, startExpress } from './start-express.js';

interface Auth0 {
  readonly auth: (options: object) => Middleware;
}

/** Express 5 with express-oauth2-jwt-bearer; every token must be bound to the client's certificate. */
export async function startAuth0(settings: ServerSettings): Promise<Server> {
  const { auth } = requirePeer('express-oauth2-jwt-bearer') as Auth0;
  return startExpress(settings, [
    auth({
      issuer: settings.issuers[0]?.issuer,
      audience: settings.audience,
      publicKey: { keys: settings.keys },
      mtls: { required: true },
      getCertificate,
    }),
  ]);
}

/** The DER, which is what it needs least work for. */
function getCertificate({ socket }: IncomingMessage): Buffer | undefined {
  return (socket as TLSSocket).getPeerX509Certificate()?.raw;
}
