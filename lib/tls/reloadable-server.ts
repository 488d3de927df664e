import { createHash, randomBytes } from 'node:crypto';
import type { SecureContextOptions, Server, TLSSocket } from 'node:tls';
import { ClientConnections } from './client-connections.js';
import { sessionContextOf, setClientTrust } from './client-trust.js';
import { pemBlocks, pemText } from './pem.js';
import type { TlsMaterial } from './tls-material.js';

/** What Node's TLS servers keep of the options they were made with; the types do not say so. */
export type ServerContextOptions = SecureContextOptions & {
  readonly ticketKeys?: Buffer;
  readonly rejectUnauthorized?: boolean;
};

/** All that `setSecureContext` would reset beside the material, but for the context of sessions. */
const REPEATED = [
  'passphrase',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'dhparam',
  'honorCipherOrder',
  'minVersion',
  'maxVersion',
  'secureProtocol',
  'secureOptions',
  'sessionTimeout',
  'ticketKeys',
  'certificateCompression',
] as const;

const servers = new WeakMap<Server, ReloadableServer>();

/** The one object that changes the TLS material of this server. */
export function reloadableServerOf(server: Server): ReloadableServer {
  const reloadable = servers.get(server) ?? new ReloadableServer(server);
  servers.set(server, reloadable);
  return reloadable;
}

/** A TLS server whose material can change while it runs. */
export class ReloadableServer {
  private readonly repeated: ServerContextOptions;
  private readonly secret: Buffer;
  private readonly connections: ClientConnections;
  /** Session contexts of the handshakes that were made with the trust in force. */
  private contexts: readonly string[];
  /** Digest of the CAs and revocation lists in force. */
  private trust: string | undefined;
  private material: TlsMaterial | undefined;

  constructor(private readonly server: Server) {
    const made = server as ServerContextOptions;
    const fields: ReadonlySet<string> = new Set(REPEATED);
    this.repeated = Object.fromEntries(Object.entries(made).filter(([name]) => fields.has(name)));
    this.secret = made.ticketKeys ?? randomBytes(32);
    this.contexts = [made.sessionIdContext].filter((context) => context !== undefined);
    this.trust = trustOfServer(made);
    this.connections = new ClientConnections(server, (socket) => this.isCurrent(socket));
  }

  /**
   * Puts material in force for new handshakes. With other CAs or revocation lists than before, open connections end
   * after their current responses, and old sessions do not resume.
   * @returns whether the CAs or revocation lists are others
   * @throws Error when OpenSSL does not take it; what was in force stays
   */
  use(material: TlsMaterial): boolean {
    if (material === this.material) return false;
    const trust = trustOf(material.ca, material.crl);
    const context = this.contextOf(material);
    this.server.setSecureContext({ ...this.repeated, ...nodeOptions(material), sessionIdContext: context });
    setClientTrust(this.server, material);
    const retires = trust !== this.trust;
    this.contexts = retires ? [context] : [...new Set([...this.contexts, context])];
    this.trust = trust;
    this.material = material;
    if (retires) this.connections.retire();
    return retires;
  }

  /**
   * This context stands for the trust, with fixed `ticketKeys` too, by which servers that share them go on resuming each
   * other's sessions. Without them it has a secret of its own, by which older handshakes are told from newer ones.
   */
  private contextOf(material: TlsMaterial): string {
    const { rejectUnauthorized } = this.server as ServerContextOptions;
    return sessionContextOf(this.secret, material, rejectUnauthorized === false ? 'request' : 'required');
  }

  private isCurrent(socket: TLSSocket): boolean {
    const session = socket.getSession();
    return this.contexts.some((context) => session?.includes(context) === true);
  }
}

function nodeOptions({ pair, ca, crl }: TlsMaterial): SecureContextOptions {
  const { key, cert } = pair;
  return { key, cert: cert.join(''), ca: [...ca], ...(crl.length === 0 ? {} : { crl: [...crl] }) };
}

/** Digest of what client certificates are checked against, whatever the line ends. */
function trustOf(ca: readonly string[], crl: readonly string[]): string {
  const content = [ca, crl].map((blocks) => blocks.map((block) => block.replaceAll(/\s/g, '')));
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url');
}

/** `undefined`, which equals no other, for what can't be read; a PKCS #12 file can hold CAs too. */
function trustOfServer({ ca, crl, pfx }: ServerContextOptions): string | undefined {
  if (pfx !== undefined) return undefined;
  try {
    return trustOf(pemBlocks(pemText(ca), 'CERTIFICATE'), pemBlocks(pemText(crl), 'X509 CRL'));
  } catch {
    return undefined;
  }
}
