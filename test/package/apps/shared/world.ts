import {
  TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import type { ClientName, TokenName } from './request-table.js';

/** Everything around the app: who issues certificates and tokens, and to whom. */
export interface World {
  readonly ca: TestCertificateAuthority;
  readonly authorizationServer: TestAuthorizationServer;
  readonly server: TestCertificate;
  readonly clients: Readonly<Record<ClientName, TestCertificate | undefined>>;
  readonly tokens: Readonly<Record<TokenName, string>>;
}

export async function createWorld(): Promise<World> {
  const ca = await TestCertificateAuthority.create();
  const authorizationServer = await TestAuthorizationServer.start({ ca });
  const mine = await ca.issueClientCertificate('mine');
  const other = await ca.issueClientCertificate('other');
  return {
    ca,
    authorizationServer,
    server: await ca.issueServerCertificate(),
    clients: { mine, other, none: undefined },
    tokens: await mintTokens(authorizationServer, mine, other),
  };
}

async function mintTokens(
  authorizationServer: TestAuthorizationServer,
  certificate: TestCertificate,
  other: TestCertificate,
): Promise<World['tokens']> {
  const scope = 'payments:read';
  return {
    read: await authorizationServer.accessToken({ certificate, scope }),
    write: await authorizationServer.accessToken({ certificate, scope: `${scope} payments:write` }),
    other: await authorizationServer.accessToken({ certificate: other, scope }),
    unbound: await authorizationServer.accessToken({ scope }),
    opaque: authorizationServer.opaqueToken({ certificate, scope }),
    unknownOpaque: 'opaque-unknown',
  };
}
