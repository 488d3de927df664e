import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { Random } from '../random.js';
import { Connection } from './connection.js';

const MOST_KEPT = 64;
const RESUMPTIONS = 0.5;
const OLD_TLS = 0.2;

/** How connections to one API are made: each version of TLS, full handshakes and resumed sessions. */
export class Doors {
  private readonly contexts = new Map<string, SecureContext>();
  private readonly sessions = new Map<string, Buffer>();

  /** @param ca PEM of the CA that issues the server's certificates */
  constructor(
    private readonly port: number,
    private readonly ca: string,
    private readonly random: Random,
  ) {}

  /** Connects with this certificate or none. @throws ConnectionLostError */
  async open(certificate: TestCertificate | undefined): Promise<Connection> {
    const maxVersion = this.random.chance(OLD_TLS) ? 'TLSv1.2' : 'TLSv1.3';
    const name = `${certificate?.thumbprint} ${maxVersion}`;
    const session = this.random.chance(RESUMPTIONS) ? this.sessions.get(name) : undefined;
    const options: ConnectionOptions = {
      host: '127.0.0.1',
      port: this.port,
      servername: 'localhost',
      secureContext: this.contextFor(name, certificate, maxVersion),
      ...(session === undefined ? {} : { session }),
    };
    const connection = await Connection.open(options);
    connection.onSession((kept) => keep(this.sessions, name, kept));
    return connection;
  }

  private contextFor(
    name: string,
    certificate: TestCertificate | undefined,
    maxVersion: 'TLSv1.2' | 'TLSv1.3',
  ): SecureContext {
    const { key, cert } = certificate ?? {};
    const known = this.contexts.get(name);
    const context =
      known ??
      createSecureContext({
        ca: this.ca,
        maxVersion,
        ...(key === undefined ? {} : { key }),
        ...(cert === undefined ? {} : { cert }),
      });
    if (known === undefined) keep(this.contexts, name, context);
    return context;
  }
}

/** Keeps the last ones. */
function keep<T>(kept: Map<string, T>, name: string, value: T): void {
  kept.delete(name);
  kept.set(name, value);
  for (const first of kept.keys()) {
    if (kept.size <= MOST_KEPT) return;
    kept.delete(first);
  }
}
