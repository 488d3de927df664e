import type { ForwardedCertificateParser } from '../../../lib/client-certificate/header/forwarded-certificate.js';
import { parserOf } from '../../../lib/client-certificate/header/parser-of.js';
import { forwardedBy } from '../../../lib/client-certificate/header/presets.js';
import { base64Of, hexDigestOf, pemOf } from './certificates.js';

/** How a proxy writes what its client proved, and what reads it. */
export interface Carrier {
  readonly name: string;
  readonly parse: ForwardedCertificateParser;
  /** The value of the header, as it was recorded. */
  readonly write: (leaf: Buffer, chain: readonly Buffer[]) => string;
  /** What of it can be read back. */
  readonly passesOn: 'leaf' | 'leaf and chain' | 'digest';
}

const trustedProxies = ['loopback'];
const header = 'x-client-cert';

const parsers = {
  nginx: parserOf(forwardedBy.nginx({ header, trustedProxies }).format),
  ingressNginx: parserOf(forwardedBy.ingressNginx({ trustedProxies }).format),
  haproxy: parserOf(forwardedBy.haproxy({ header, trustedProxies }).format),
  apache: parserOf(forwardedBy.apache({ header, trustedProxies }).format),
  caddy: parserOf(forwardedBy.caddy({ header, trustedProxies }).format),
  envoy: parserOf(forwardedBy.envoy({ trustedProxies }).format),
  envoyAppending: parserOf(forwardedBy.envoy({ trustedProxies, hop: 0 }).format),
  istio: parserOf(forwardedBy.envoy({ trustedProxies, hashAlone: true }).format),
  traefik: parserOf(forwardedBy.traefik({ trustedProxies }).format),
  albVerify: parserOf(forwardedBy.awsAlb({ trustedProxies }).format),
  albPassthrough: parserOf(forwardedBy.awsAlb({ mode: 'passthrough', trust: 'any', trustedProxies }).format),
  cloudFront: parserOf(forwardedBy.cloudFront({ trustedProxies }).format),
  appService: parserOf(forwardedBy.azureAppService({ trust: 'any', trustedProxies }).format),
  applicationGateway: parserOf(forwardedBy.azureApplicationGateway({ header, trustedProxies }).format),
  googleCloud: parserOf(forwardedBy.googleCloud({ header, trustedProxies }).format),
  cloudflare: parserOf(forwardedBy.cloudflare({ trust: 'any', trustedProxies }).format),
  cloudflareRfc9440: parserOf(
    forwardedBy.cloudflare({ format: 'rfc9440', trust: 'any', trustedProxies }).format,
  ),
  cloudFoundry: parserOf(forwardedBy.cloudFoundry({ trustedProxies }).format),
  f5Der: parserOf(forwardedBy.f5({ header, trustedProxies }).format),
  f5Pem: parserOf(forwardedBy.f5({ header, format: 'pem', trustedProxies }).format),
  rfc9440: parserOf(forwardedBy.rfc9440({ trustedProxies }).format),
} as const;

/** Percent-encodes as nginx and CloudFront do: all but unreserved characters. */
const escaped = (pem: string): string => encodeURIComponent(pem);
/** As AWS ALB does: `+`, `/` and `=` stay. */
const halfEscaped = (pem: string): string => pem.replaceAll(' ', '%20').replaceAll('\n', '%0A');
/** As Envoy does, in quotes. */
const inEnvoysQuotes = (pem: string): string => {
  const letters: Readonly<Record<string, string>> = {
    '\n': '%0A',
    ' ': '%20',
    '+': '%2B',
    '/': '%2F',
    '=': '%3D',
  };
  return `"${pem.replaceAll(/[\n +/=]/g, (letter) => letters[letter] ?? letter)}"`;
};
const inOneLine = (pem: string): string => pem.replaceAll('\n', ' ');
const withoutMarkers = (pem: string): string => pem.replaceAll(/-----[A-Z ]+-----|\n/g, '');
const pemOfAll = (leaf: Buffer, chain: readonly Buffer[]): string =>
  [leaf, ...chain].map((der) => pemOf(der)).join('');

/** Every row of client-certificate-carriers.md that is a header. */
export const CARRIERS: readonly Carrier[] = [
  {
    name: 'RFC 9440, Client-Cert',
    parse: parsers.rfc9440,
    write: (leaf) => `:${base64Of(leaf)}:`,
    passesOn: 'leaf',
  },
  {
    name: 'nginx, $ssl_client_escaped_cert',
    parse: parsers.nginx,
    write: (leaf) => escaped(pemOf(leaf)),
    passesOn: 'leaf',
  },
  {
    name: 'nginx, $ssl_client_cert, with TABs at the folds',
    parse: parsers.nginx,
    write: (leaf) => pemOf(leaf).trimEnd().replaceAll('\n', '\t'),
    passesOn: 'leaf',
  },
  {
    name: 'nginx, $ssl_client_cert, with line ends and TABs',
    parse: parsers.nginx,
    write: (leaf) => pemOf(leaf).trimEnd().replaceAll('\n', '\n\t'),
    passesOn: 'leaf',
  },
  {
    name: 'nginx, $ssl_client_cert, with nothing at the folds',
    parse: parsers.nginx,
    write: (leaf) => pemOf(leaf).replaceAll('\n', ''),
    passesOn: 'leaf',
  },
  {
    name: 'ingress-nginx, ssl-client-cert',
    parse: parsers.ingressNginx,
    write: (leaf) => escaped(pemOf(leaf)),
    passesOn: 'leaf',
  },
  { name: 'HAProxy, bare', parse: parsers.haproxy, write: base64Of, passesOn: 'leaf' },
  {
    name: 'HAProxy, in quotes',
    parse: parsers.haproxy,
    write: (leaf) => `"${base64Of(leaf)}"`,
    passesOn: 'leaf',
  },
  {
    name: 'HAProxy, in quotes between colons',
    parse: parsers.haproxy,
    write: (leaf) => `:"${base64Of(leaf)}":`,
    passesOn: 'leaf',
  },
  {
    name: 'HAProxy, between colons',
    parse: parsers.haproxy,
    write: (leaf) => `:${base64Of(leaf)}:`,
    passesOn: 'leaf',
  },
  {
    name: 'Envoy, Cert',
    parse: parsers.envoy,
    write: (leaf) => `Hash=${hexDigestOf(leaf)};Cert=${inEnvoysQuotes(pemOf(leaf))}`,
    passesOn: 'leaf',
  },
  {
    name: 'Envoy, Cert and Chain',
    parse: parsers.envoy,
    write: (leaf, chain) =>
      `By=spiffe://cluster.local/ns/api/sa/api;Hash=${hexDigestOf(leaf)};Cert=${inEnvoysQuotes(pemOf(leaf))};` +
      `Chain=${inEnvoysQuotes(pemOfAll(leaf, chain))};Subject="CN=client,O=a\\, b";URI=spiffe://cluster.local/a?b=c`,
    passesOn: 'leaf and chain',
  },
  {
    name: 'Envoy, Chain alone',
    parse: parsers.envoy,
    write: (leaf, chain) => `Chain=${inEnvoysQuotes(pemOfAll(leaf, chain))}`,
    passesOn: 'leaf and chain',
  },
  {
    name: 'Envoy with APPEND_FORWARD, behind what the client sent',
    parse: parsers.envoyAppending,
    write: (leaf) =>
      `Hash=${'0'.repeat(64)};Subject="",By=spiffe://a;Hash=${hexDigestOf(leaf)};Cert=${inEnvoysQuotes(pemOf(leaf))}`,
    passesOn: 'leaf',
  },
  {
    name: 'Azure Container Apps',
    parse: parsers.envoy,
    write: (leaf, chain) =>
      `Hash=${hexDigestOf(leaf)};Cert=${inEnvoysQuotes(pemOf(leaf))};Chain=${inEnvoysQuotes(pemOfAll(leaf, chain))};`,
    passesOn: 'leaf and chain',
  },
  {
    name: 'Istio, no more than Hash',
    parse: parsers.istio,
    write: (leaf) =>
      `By=spiffe://cluster.local/ns/api/sa/api;Hash=${hexDigestOf(leaf)};Subject="";URI=spiffe://cluster.local/a`,
    passesOn: 'digest',
  },
  {
    name: 'Cloud Foundry, the body of the PEM',
    parse: parsers.cloudFoundry,
    write: (leaf) => withoutMarkers(pemOf(leaf)),
    passesOn: 'leaf',
  },
  {
    name: 'Traefik 3',
    parse: parsers.traefik,
    write: (leaf, chain) => [leaf, ...chain].map(base64Of).join(','),
    passesOn: 'leaf and chain',
  },
  {
    name: 'Traefik 2, escaped',
    parse: parsers.traefik,
    write: (leaf, chain) => [leaf, ...chain].map((der) => encodeURIComponent(base64Of(der))).join(','),
    passesOn: 'leaf and chain',
  },
  {
    name: 'AWS ALB in verify mode',
    parse: parsers.albVerify,
    write: (leaf) => halfEscaped(pemOf(leaf)),
    passesOn: 'leaf',
  },
  {
    name: 'AWS ALB in passthrough mode',
    parse: parsers.albPassthrough,
    write: (leaf, chain) => halfEscaped(pemOfAll(leaf, chain)),
    passesOn: 'leaf and chain',
  },
  {
    name: 'AWS CloudFront',
    parse: parsers.cloudFront,
    write: (leaf) => escaped(pemOf(leaf)),
    passesOn: 'leaf',
  },
  { name: 'Azure App Service', parse: parsers.appService, write: base64Of, passesOn: 'leaf' },
  {
    name: 'Azure Application Gateway, URL-encoded',
    parse: parsers.applicationGateway,
    write: (leaf) => escaped(pemOf(leaf)),
    passesOn: 'leaf',
  },
  {
    name: 'Azure Application Gateway, raw',
    parse: parsers.applicationGateway,
    write: (leaf) => inOneLine(pemOf(leaf)),
    passesOn: 'leaf',
  },
  {
    name: 'Google Cloud load balancer',
    parse: parsers.googleCloud,
    write: (leaf) => `:${base64Of(leaf)}:`,
    passesOn: 'leaf',
  },
  {
    name: 'Cloudflare, Cf-Client-Cert-Der-Base64',
    parse: parsers.cloudflare,
    write: base64Of,
    passesOn: 'leaf',
  },
  {
    name: 'Cloudflare, Client-Cert',
    parse: parsers.cloudflareRfc9440,
    write: (leaf) => `:${base64Of(leaf)}:`,
    passesOn: 'leaf',
  },
  {
    name: 'Apache httpd',
    parse: parsers.apache,
    write: (leaf) => inOneLine(pemOf(leaf)),
    passesOn: 'leaf',
  },
  {
    name: 'Apache httpd, %{escape:…}',
    parse: parsers.apache,
    write: (leaf) => escaped(pemOf(leaf)),
    passesOn: 'leaf',
  },
  { name: 'Caddy', parse: parsers.caddy, write: base64Of, passesOn: 'leaf' },
  { name: 'F5, base64', parse: parsers.f5Der, write: base64Of, passesOn: 'leaf' },
  {
    name: 'F5, PEM',
    parse: parsers.f5Pem,
    write: (leaf) => inOneLine(pemOf(leaf)),
    passesOn: 'leaf',
  },
];
