import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { createWorld, type World } from '../../support/world.js';

/** Who is there beside two clients: the proxy, and clients that it should not accept. */
export interface ProxyWorld extends World {
  /** The certificate of the proxy, by the name that clients know. */
  readonly gateway: TestCertificate;
  /** Client1 by its name alone: its certificate is of another CA. */
  readonly foreign: TestCertificate;
  readonly expired: TestCertificate;
}

export async function createProxyWorld(): Promise<ProxyWorld> {
  const world = await createWorld();
  const other = await TestCertificateAuthority.create('Another CA');
  const [gateway, foreign, expired] = await Promise.all([
    world.ca.issueServerCertificate({ hosts: ['api.example.com'] }),
    other.issueClientCertificate('client1'),
    world.ca.issueClientCertificate('client1', { notAfter: new Date(Date.now() - 60_000) }),
  ]);
  return { ...world, gateway, foreign, expired };
}
