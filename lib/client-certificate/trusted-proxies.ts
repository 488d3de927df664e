import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { TrustedProxy } from '../cert-bound-auth.options.js';
import { isThumbprint } from './certificate-thumbprint.js';
import { isVerifiedAtOnce } from './chain/chain-verdict.js';
import { equalInConstantTime } from '../common/equal-in-constant-time.js';
import { certificateOn, type Connection, connectionOf, hasConfiguredCas } from './client-certificate.js';

/** Whether the peer of a connection is trusted at this moment: a certificate can expire meanwhile. */
type Standing = () => boolean;

const TRUSTED: Standing = () => true;
const UNTRUSTED: Standing = () => false;

/**
 * Makes a check of whether a request came straight from one of these proxies. Who its peer is, is found out once per
 * connection, and kept there under a symbol of its own: two lists never share an answer.
 * @throws TypeError for what {@link trustedProxyProblem} finds wrong
 */
export function trustedPeers(proxies: readonly TrustedProxy[]): (raw: IncomingMessage) => boolean {
  const rules = rulesOf(proxies);
  // Stryker disable next-line StringLiteral: the description is for a debugger only
  const trusted = Symbol('trusted peer');
  return (raw) => {
    const connection: Connection & { [trusted]?: Standing } = connectionOf(raw);
    return (connection[trusted] ??= standingOf(connection, rules))();
  };
}

function standingOf(connection: Connection, rules: readonly PeerRule[]): Standing {
  const found = rules.map((rule) => rule(connection));
  if (found.includes(TRUSTED)) return TRUSTED;
  return found.find((standing) => standing !== UNTRUSTED) ?? UNTRUSTED;
}

/** How the peer of a connection stands by one rule. */
type PeerRule = (connection: Connection) => Standing;

function rulesOf(proxies: readonly TrustedProxy[]): readonly PeerRule[] {
  const networks = new BlockList();
  const rules: PeerRule[] = [
    ({ remoteAddress }) => (isListed(networks, remoteAddress) ? TRUSTED : UNTRUSTED),
  ];
  for (const proxy of proxies) {
    const problem = trustedProxyProblem(proxy);
    if (problem !== undefined) throw new TypeError(problem);
    if (typeof proxy === 'object') rules.push(provesCertificate(proxy.certificateThumbprint));
    else if (proxy === 'unix') rules.push(cameByUnixSocket);
    else addNetworks(networks, proxy);
  }
  return rules;
}

const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1'];

function addNetworks(networks: BlockList, proxy: string): void {
  for (const text of proxy === 'loopback' ? LOOPBACK : [proxy]) {
    const network = networkOf(text);
    // Stryker disable next-line ConditionalExpression: what is none has been refused already
    if (network !== undefined) networks.addSubnet(network.address, network.prefix, network.family);
  }
}

/**
 * An IPv4 peer of a server that listens on IPv6 has a mapped address (`::ffff:10.0.0.1`): the list knows that. There is
 * no address once the peer has gone, nor on a unix socket; what is no address is in no network.
 */
function isListed(networks: BlockList, remoteAddress: string | undefined): boolean {
  const address = remoteAddress?.split('%', 1)[0];
  return address !== undefined && networks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** The server's own address tells, for it is a path; that a peer has no address tells nothing. */
function cameByUnixSocket(connection: Connection): Standing {
  const { server } = connection as { readonly server?: { address(): unknown } };
  return typeof server?.address() === 'string' ? TRUSTED : UNTRUSTED;
}

/**
 * A pinned certificate counts as long as any other: within its validity, and where the server has CAs, as long as these
 * vouch for it, which is how one that is revoked ceases to count.
 */
function provesCertificate(thumbprint: string): PeerRule {
  return (connection) => {
    const finding = certificateOn(connection);
    if (finding.kind === 'none' || !equalInConstantTime(finding.certificate.thumbprint, thumbprint)) {
      return UNTRUSTED;
    }
    const { notBefore, notAfter, chain } = finding.certificate;
    const needsCa = hasConfiguredCas(connection);
    return () => {
      const now = Date.now();
      return notBefore <= now && now <= notAfter && (!needsCa || isVerifiedAtOnce(chain()));
    };
  };
}

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

const CIDR = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i;

/** Reads an address or a CIDR (RFC 4632 §3.1); one with a zone is none, for zones are names of this machine's own. */
function networkOf(text: string): Network | undefined {
  const match = CIDR.exec(text);
  if (match === null) return undefined;
  const [, address, digits] = match as unknown as [string, string, string?];
  const version = isIP(address);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  return prefix > bits ? undefined : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Every IPv4 address has an IPv6 address in ::ffff:0:0/96: a network of such a size or larger holds all of these or none. */
function holdsMappedAddresses({ address, prefix, family }: Network): boolean {
  if (family === 'ipv4' || prefix > 96) return false;
  const network = new BlockList();
  network.addSubnet(address, prefix, 'ipv6');
  return network.check('::ffff:0:0', 'ipv6');
}

const REMEDY =
  'give an address (10.0.0.7), a CIDR (10.0.0.0/8, fd00::/8), loopback, unix, or { certificateThumbprint }';
const NAME_REMEDY = `${REMEDY}; names are not resolved`;
const EVERYONE_REMEDY =
  'name the proxies: this network holds everyone, who could then claim to have proved any certificate';
const THUMBPRINT_REMEDY = "give the SHA-256 of the DER of the proxy's certificate, base64url (43 characters)";

/** What is wrong with an entry of `trustedProxies`, as the remedy; `undefined` when nothing is. */
export function trustedProxyProblem(proxy: unknown): string | undefined {
  if (typeof proxy === 'string') return addressProblem(proxy);
  if (typeof proxy !== 'object' || proxy === null) return REMEDY;
  const { certificateThumbprint: thumbprint, ...others } = proxy as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0) return REMEDY;
  return isThumbprint(thumbprint) ? undefined : THUMBPRINT_REMEDY;
}

function addressProblem(proxy: string): string | undefined {
  if (proxy === 'loopback' || proxy === 'unix') return undefined;
  const network = networkOf(proxy);
  if (network === undefined) return NAME_REMEDY;
  return network.prefix === 0 || holdsMappedAddresses(network) ? EVERYONE_REMEDY : undefined;
}
