import type {
  HeaderClientCertificateOptions,
  TrustedProxy,
  XfccFormat,
} from '../../cert-bound-auth.options.js';

type Trust = HeaderClientCertificateOptions['trust'];
type VerifyHeader = NonNullable<HeaderClientCertificateOptions['verifyHeader']>;

/** What every preset needs. */
export interface ForwardedByOptions {
  /** Who may send the header: at least one. */
  readonly trustedProxies: readonly TrustedProxy[];
}

/** For a proxy that verifies the chain before it sends the header. */
export interface VerifyingProxyOptions extends ForwardedByOptions {
  /** Who verifies the chain. @default 'proxy' */
  readonly trust?: Trust;
}

/** For a proxy that passes on whatever its client proved: somebody else must say what that is worth. */
export interface UnverifyingProxyOptions extends ForwardedByOptions {
  /** Who verifies the chain; the proxy does not. */
  readonly trust: Exclude<Trust, 'proxy'>;
}

/** The header is for you to name in the proxy's configuration. */
export interface ChosenHeader {
  readonly header: string;
}

/** The header has a usual name. */
export interface UsualHeader {
  /** @default the name that the proxy gives it */
  readonly header?: string;
}

/** The proxy can pass on the certificates behind the leaf in a header of their own. */
export interface WithChainHeader {
  /** Name of that header. It is read where `trust` is `{ ca }`. @default none */
  readonly chainHeader?: string;
}

/** The proxy can pass on its verdict. */
export interface WithVerifyHeader {
  /** Name of the header with the verdict, which must be that of success; with a value where yours differs. @default none */
  readonly verifyHeader?: VerifyHeader;
}

/** AWS Application Load Balancer: in verify mode it verifies the chain, in passthrough mode it does not. */
export type AwsAlbOptions =
  | (VerifyingProxyOptions & UsualHeader & { readonly mode?: 'verify' })
  | (UnverifyingProxyOptions & UsualHeader & { readonly mode: 'passthrough' });

/** Cloudflare: the headers are there for certificates that it found invalid, too. */
export interface CloudflareOptions
  extends ForwardedByOptions, UsualHeader, WithChainHeader, WithVerifyHeader {
  /** Who verifies the chain: `proxy` only with a rule or a {@link verifyHeader} that keeps invalid ones out. */
  readonly trust: Trust;
  /** `der`: Cf-Client-Cert-Der-Base64. `rfc9440`: Client-Cert, which a rule of yours sets. @default 'der' */
  readonly format?: 'der' | 'rfc9440';
}

/** F5 BIG-IP. */
export interface F5Options extends VerifyingProxyOptions, ChosenHeader, WithChainHeader, WithVerifyHeader {
  /** `der`: base64 of the certificate. `pem`: PEM, its line ends turned to spaces. @default 'der' */
  readonly format?: 'der' | 'pem';
}

/** All of these send one certificate: a comma would be a sign of two headers that were joined on the way. */
const SINGLE_DER = { der: { list: false } } as const;

/**
 * What usual proxies send: `clientCertificate: forwardedBy.nginx({ header: 'X-Client-Cert', trustedProxies: ['loopback'] })`.
 * Each says what to write into the proxy's configuration. Whatever the proxy, it must replace or remove the header that
 * its own client sends, on every way to this API: who can write the header can claim any certificate.
 * @example
 * ```ts
 * import { type CertBoundAuthOptions, forwardedBy } from 'nestjs-cert-bound-auth';
 *
 * export const options: CertBoundAuthOptions = {
 *   audience: 'https://api.example.com',
 *   authorizationServers: [{ issuer: 'https://as.example.com' }],
 *   clientCertificate: forwardedBy.nginx({ header: 'x-ssl-client-cert', trustedProxies: ['10.0.0.0/8'] }),
 * };
 * ```
 */
export const forwardedBy = {
  /**
   * nginx: `ssl_verify_client on;`, and in every location that has a `proxy_set_header` of its own
   * `proxy_set_header X-Client-Cert $ssl_client_escaped_cert;`, which replaces the client's header.
   * With `ssl_verify_client optional_no_ca` it passes on certificates that nobody has verified: then add
   * `proxy_set_header X-SSL-Verify $ssl_client_verify;` and `verifyHeader: 'X-SSL-Verify'` (the value is `SUCCESS`), or
   * set `trust`.
   */
  nginx: ({
    trust = 'proxy',
    verifyHeader,
    ...rest
  }: VerifyingProxyOptions & ChosenHeader & WithVerifyHeader): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, 'SUCCESS'),
    from: 'header',
    format: 'pem',
    trust,
  }),

  /**
   * ingress-nginx: the annotations `nginx.ingress.kubernetes.io/auth-tls-secret` and
   * `nginx.ingress.kubernetes.io/auth-tls-pass-certificate-to-upstream: "true"`, on every Ingress that leads to this
   * API: without them it lets the client's own `ssl-client-cert` and `ssl-client-verify` through.
   * `ssl-client-verify` must be `SUCCESS`, unless `trust` is set.
   */
  ingressNginx: ({
    header = 'ssl-client-cert',
    trust = 'proxy',
    verifyHeader = trust === 'proxy' ? 'ssl-client-verify' : undefined,
    ...rest
  }: VerifyingProxyOptions & UsualHeader & WithVerifyHeader): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, 'SUCCESS'),
    from: 'header',
    header,
    format: 'pem',
    trust,
  }),

  /**
   * HAProxy: `bind … ca-file clients.pem verify required` and
   * `http-request set-header X-Client-Cert %[ssl_c_der,base64]`, which replaces the client's header; with colons around
   * it (`:%[ssl_c_der,base64]:`, RFC 9440) or in quotes (`%{+Q}[ssl_c_der,base64]`) it is read as well.
   * With `crt-ignore-err` or `ca-ignore-err` it passes on certificates that are invalid: then add
   * `http-request set-header X-SSL-Verify %[ssl_c_verify]` and `verifyHeader: 'X-SSL-Verify'` (the value is `0`).
   */
  haproxy: ({
    trust = 'proxy',
    verifyHeader,
    ...rest
  }: VerifyingProxyOptions & ChosenHeader & WithVerifyHeader): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, '0'),
    from: 'header',
    format: SINGLE_DER,
    trust,
  }),

  /**
   * Apache httpd: `SSLVerifyClient require` and `RequestHeader set X-Client-Cert "%{SSL_CLIENT_CERT}s"`, which replaces
   * the client's header; `RequestHeader set X-Client-Cert-Chain "%{SSL_CLIENT_CERT_CHAIN_0}s"` for `chainHeader`.
   * With `SSLVerifyClient optional_no_ca` it passes on certificates that nobody has verified: then add
   * `RequestHeader set X-SSL-Verify "%{SSL_CLIENT_VERIFY}s"` and `verifyHeader: 'X-SSL-Verify'` (the value is
   * `SUCCESS`), or set `trust`.
   */
  apache: ({
    trust = 'proxy',
    verifyHeader,
    ...rest
  }: VerifyingProxyOptions &
    ChosenHeader &
    WithChainHeader &
    WithVerifyHeader): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, 'SUCCESS'),
    from: 'header',
    format: 'pem',
    trust,
  }),

  /**
   * Caddy: `client_auth { mode require_and_verify … }` and in `reverse_proxy`
   * `header_up X-Client-Cert {http.request.tls.client.certificate_der_base64}`, which replaces the client's header. Where
   * a certificate is optional, Caddy sends the placeholder itself for none, which counts as none.
   * With the modes `request` and `require` it passes on certificates that nobody has verified: then set `trust`.
   */
  caddy: ({
    trust = 'proxy',
    ...rest
  }: VerifyingProxyOptions & ChosenHeader): HeaderClientCertificateOptions => ({
    ...rest,
    from: 'header',
    format: SINGLE_DER,
    trust,
  }),

  /**
   * Envoy, Istio: `require_client_certificate: true` with a `trusted_ca`,
   * `forward_client_cert_details: SANITIZE_SET`, which removes the client's header, and
   * `set_current_client_cert_details: { cert: true }`. Istio's sidecars use APPEND_FORWARD and send no `Cert` unless told
   * to (`proxyHeaders` of its ProxyConfig). There must be one element, unless `hop` says which one counts: it may name a
   * proxy before the nearest one, and each between them must be trusted, too. Leave `uri` and `dns` off where you can.
   * Azure Container Apps: `clientCertificateMode: require`. It takes self-signed certificates too: set `trust`.
   */
  envoy: ({
    header = 'x-forwarded-client-cert',
    trust = 'proxy',
    hop,
    hashAlone,
    ...rest
  }: VerifyingProxyOptions & UsualHeader & XfccFormat): HeaderClientCertificateOptions => ({
    ...rest,
    from: 'header',
    header,
    format: xfccFormat(hop, hashAlone),
    trust,
  }),

  /**
   * Traefik 2 and 3: the TLS option `clientAuth: { clientAuthType: RequireAndVerifyClientCert, caFiles: […] }` and the
   * middleware `passTLSClientCert: { pem: true }`. It removes the client's header unless `forwardedHeaders.insecure` or
   * `forwardedHeaders.trustedIPs` let it through. With `RequireAnyClientCert` and `RequestClientCert` it passes on
   * certificates that nobody has verified: then set `trust`.
   */
  traefik: ({
    header = 'x-forwarded-tls-client-cert',
    trust = 'proxy',
    ...rest
  }: VerifyingProxyOptions & UsualHeader): HeaderClientCertificateOptions => ({
    ...rest,
    from: 'header',
    header,
    format: 'der',
    trust,
  }),

  /**
   * AWS Application Load Balancer: mutual TLS in verify mode with a trust store, on every listener that leads to this
   * API: one without mutual TLS lets the client's own header through. In passthrough mode
   * (`{ mode: 'passthrough', trust }`) it sends the whole chain and verifies nothing.
   */
  awsAlb: (options: AwsAlbOptions): HeaderClientCertificateOptions =>
    options.mode === 'passthrough' ? albInPassthroughMode(options) : albInVerifyMode(options),

  /**
   * AWS CloudFront: viewer mTLS in required mode with a trust store, and `CloudFront-Viewer-Cert-Pem` in the origin
   * request policy. Let nobody but CloudFront reach the origin. In optional mode, make sure that the header of a client
   * without a certificate is dropped. In passthrough mode it verifies nothing and sends RFC 9440's headers:
   * `forwardedBy.rfc9440` with a `trust`.
   */
  cloudFront: ({
    header = 'cloudfront-viewer-cert-pem',
    trust = 'proxy',
    ...rest
  }: VerifyingProxyOptions & UsualHeader): HeaderClientCertificateOptions => ({
    ...rest,
    from: 'header',
    header,
    format: 'pem',
    trust,
  }),

  /**
   * Azure App Service: `clientCertEnabled: true` and `clientCertMode: Required`; its front end then writes the header.
   * It verifies nothing. Do not count on it to remove the client's header while that is off.
   */
  azureAppService: ({
    header = 'x-arr-clientcert',
    ...rest
  }: UnverifyingProxyOptions & UsualHeader): HeaderClientCertificateOptions => ({
    ...rest,
    from: 'header',
    header,
    format: SINGLE_DER,
  }),

  /**
   * Azure Application Gateway: mutual authentication in strict mode, and a rewrite rule that sets the request header
   * `X-Client-Cert` to `{var_client_certificate}`, which replaces the client's.
   * In passthrough mode it passes on certificates that nobody has verified: then set another header to
   * `{var_client_certificate_verification}` and name it in `verifyHeader` (the value is `SUCCESS`), or set `trust`.
   */
  azureApplicationGateway: ({
    trust = 'proxy',
    verifyHeader,
    ...rest
  }: VerifyingProxyOptions & ChosenHeader & WithVerifyHeader): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, 'SUCCESS'),
    from: 'header',
    format: 'pem',
    trust,
  }),

  /**
   * Google Cloud load balancer: a server TLS policy with `REJECT_INVALID`, and on the backend service the custom request
   * header `X-Client-Cert:{client_cert_leaf}`, which replaces the client's; `X-Client-Cert-Chain:{client_cert_chain}`
   * for `chainHeader`.
   * With `ALLOW_INVALID_OR_MISSING_CLIENT_CERT` it passes on certificates that are invalid: then add
   * `X-Client-Cert-Verified:{client_cert_chain_verified}` and `verifyHeader: 'X-Client-Cert-Verified'` (the value is
   * `true`).
   */
  googleCloud: ({
    trust = 'proxy',
    verifyHeader,
    ...rest
  }: VerifyingProxyOptions &
    ChosenHeader &
    WithChainHeader &
    WithVerifyHeader): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, 'true'),
    from: 'header',
    format: 'rfc9440',
    trust,
  }),

  /**
   * Cloudflare: `client_certificate_forwarding: true` for the hostname, for `Cf-Client-Cert-Der-Base64`; or, with
   * `format: 'rfc9440'`, a request header transform rule that removes the client's `Client-Cert` and
   * `Client-Cert-Chain`, and one that sets them to `cf.tls_client_auth.cert_rfc9440` and
   * `cf.tls_client_auth.cert_chain_rfc9440`. They are there for invalid certificates, too: let the second rule, or one
   * of the firewall, ask for `cf.tls_client_auth.cert_verified and not cf.tls_client_auth.cert_revoked`, or switch
   * "Add TLS client auth headers" on and add `verifyHeader: 'Cf-Cert-Verified'` (the value is `true`, for a revoked
   * certificate as well). Let nobody but Cloudflare reach the origin.
   */
  cloudflare: ({
    format = 'der',
    header = format === 'der' ? 'cf-client-cert-der-base64' : 'client-cert',
    verifyHeader,
    ...rest
  }: CloudflareOptions): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, 'true'),
    from: 'header',
    header,
    format,
  }),

  /**
   * Cloud Foundry: `router.forwarded_client_cert: sanitize_set`, which replaces the client's header, and
   * `router.client_cert_validation: require` (or `request`: it verifies what is there).
   */
  cloudFoundry: ({
    header = 'x-forwarded-client-cert',
    trust = 'proxy',
    ...rest
  }: VerifyingProxyOptions & UsualHeader): HeaderClientCertificateOptions => ({
    ...rest,
    from: 'header',
    header,
    format: SINGLE_DER,
    trust,
  }),

  /**
   * F5 BIG-IP: a client SSL profile with "Client Certificate: require", and in an iRule's `HTTP_REQUEST` first
   * `HTTP::header remove X-Client-Cert`, then `HTTP::header insert X-Client-Cert [b64encode [SSL::cert 0]]`.
   * With "request" it passes on certificates that are invalid: then do the same with another header and
   * `[SSL::verify_result]`, and name it in `verifyHeader` (the value is `0`).
   */
  f5: ({
    format = 'der',
    trust = 'proxy',
    verifyHeader,
    ...rest
  }: F5Options): HeaderClientCertificateOptions => ({
    ...rest,
    ...verdict(verifyHeader, '0'),
    from: 'header',
    format,
    trust,
  }),

  /**
   * Any proxy that sends `Client-Cert` and `Client-Cert-Chain` (RFC 9440). It must have verified the chain, and must
   * remove both headers of the client's, where it sends none of its own as well (§4).
   */
  rfc9440: ({
    header = 'client-cert',
    chainHeader = 'client-cert-chain',
    trust = 'proxy',
    ...rest
  }: VerifyingProxyOptions & UsualHeader & WithChainHeader): HeaderClientCertificateOptions => ({
    ...rest,
    from: 'header',
    header,
    chainHeader,
    format: 'rfc9440',
    trust,
  }),
} as const;

function xfccFormat(hop?: number, hashAlone?: boolean): HeaderClientCertificateOptions['format'] {
  if (hop === undefined && hashAlone === undefined) return 'xfcc';
  return {
    xfcc: { ...(hop === undefined ? {} : { hop }), ...(hashAlone === undefined ? {} : { hashAlone }) },
  };
}

function albInVerifyMode({
  mode: _mode,
  header = 'x-amzn-mtls-clientcert-leaf',
  trust = 'proxy',
  ...rest
}: Extract<AwsAlbOptions, { readonly mode?: 'verify' }>): HeaderClientCertificateOptions {
  return { ...rest, from: 'header', header, format: 'pem', trust };
}

function albInPassthroughMode({
  mode: _mode,
  header = 'x-amzn-mtls-clientcert',
  ...rest
}: Extract<AwsAlbOptions, { readonly mode: 'passthrough' }>): HeaderClientCertificateOptions {
  return { ...rest, from: 'header', header, format: 'pem' };
}

/** A header's name alone stands for this proxy's own word for success. */
function verdict(
  verifyHeader: VerifyHeader | undefined,
  value: string,
): Pick<HeaderClientCertificateOptions, 'verifyHeader'> {
  if (verifyHeader === undefined) return {};
  return { verifyHeader: typeof verifyHeader === 'string' ? { name: verifyHeader, value } : verifyHeader };
}
