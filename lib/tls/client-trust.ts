import { createHmac } from 'node:crypto';
import type { Server } from 'node:tls';
import { pemBlocks, pemText } from './pem.js';

/** What the client certificates of a server are checked against. All of it is PEM, one block each. */
export interface ClientTrust {
  /** The trusted CAs, and CAs between them and clients. */
  readonly ca: readonly string[];
  readonly crl: readonly string[];
  /** Whether a certificate of `ca` is trusted that is not its own issuer. */
  readonly partialChains: boolean;
}

/** What Node's TLS servers keep of the options they were made with, or of the last `setSecureContext`. */
interface KeptByNode {
  readonly ca?: Parameters<typeof pemText>[0];
  readonly crl?: Parameters<typeof pemText>[0];
  readonly allowPartialTrustChain?: unknown;
}

const configured = new WeakMap<Server, ClientTrust>();

/**
 * The trust that a server was configured with, as it was when this was first asked, or as {@link setClientTrust} has
 * set it. What gets into its TLS contexts in another way later (`setSecureContext`, `addContext`, the CAs of a PKCS #12
 * file, the session of another server) is not part of it.
 */
export function clientTrustOf(server: Server): ClientTrust {
  const known = configured.get(server);
  if (known !== undefined) return known;
  const trust = readTrust(server);
  configured.set(server, trust);
  return trust;
}

/** Replaces what clients of a server are checked against, from the next connection on. */
export function setClientTrust(server: Server, { ca, crl }: Pick<ClientTrust, 'ca' | 'crl'>): void {
  const { allowPartialTrustChain } = server as KeptByNode;
  configured.set(server, { ca, crl, partialChains: allowPartialTrustChain === true });
}

/** Vouches for nobody: it is no certificate. */
const UNREADABLE = ['unreadable'];

function readTrust(server: Server): ClientTrust {
  const { ca, crl, allowPartialTrustChain } = server as KeptByNode;
  const partialChains = allowPartialTrustChain === true;
  try {
    const lists = pemBlocks(pemText(crl), 'X509 CRL');
    return { ca: pemBlocks(pemText(ca), 'CERTIFICATE'), crl: lists, partialChains };
  } catch {
    return { ca: UNREADABLE, crl: [], partialChains };
  }
}

/**
 * The context of TLS sessions that stands for a trust: a session resumes only in the context that it was made in, so
 * none gets to a server with other CAs, revocation lists or demands, not even between servers that share their
 * `ticketKeys`, as the workers of a cluster do by themselves.
 * @param secret of those that may resume each other's sessions; nothing that a client puts into a session looks like
 *   what is made with it
 * @param others what else tells the sessions of one server from those of another
 */
export function sessionContextOf(
  secret: NodeJS.ArrayBufferView | string,
  { ca, crl }: Pick<ClientTrust, 'ca' | 'crl'>,
  ...others: readonly string[]
): string {
  const content = [ca, crl].map((blocks) => blocks.map((block) => block.replaceAll(/\s/g, '')));
  const key =
    typeof secret === 'string' ? secret : Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);
  // OpenSSL takes at most 32 bytes.
  return createHmac('sha256', key)
    .update(JSON.stringify([...content, ...others]))
    .digest('base64url')
    .slice(0, 32);
}
