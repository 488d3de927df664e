import {
  credentialHeaders,
  documentPaths,
  type PlannedPolicy,
  type ProxyPlan,
  unusualHeaders,
} from './proxy-plan.js';
import { AMBIGUOUS_PATH, authorityOf, block, heading } from './text.js';

/** Prints a dynamic configuration of Traefik. */
export function traefikConfig(plan: ProxyPlan): string {
  return `${heading('traefik', 'Traefik 3 (ForwardAuth, dynamic configuration)', notes(plan))}

http:
  routers:
${plan.policies.map((policy) => router(policy) + documentRouter(policy)).join('')}
  middlewares:
    # Whatever forwardedHeaders of the entry point lets through, the client's own copies end here. The certificate that it
    # proved, if any, takes their place.
    clear:
      headers:
        customRequestHeaders:
          X-Forwarded-Tls-Client-Cert: ''
          X-Forwarded-Method: ''
          X-Forwarded-Uri: ''
    certificate:
      passTLSClientCert: { pem: true }

${plan.policies.map((policy) => asking(policy, plan)).join('\n')}
    # The client's token ends here.
    drop-credentials:
      headers:
        customRequestHeaders:
${block(
  dropped(plan).map((name) => `${name}: ''`),
  10,
)}
${documentParts(plan).middleware}  services:
    api:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:8080
${documentParts(plan).service}
tls:
  certificates:
    - certFile: /etc/ssl/api/server.crt
      keyFile: /etc/ssl/api/server.key
  options:
    clients:
      minVersion: VersionTLS12
      clientAuth:
        caFiles: [/etc/ssl/api/client-ca.crt]
        clientAuthType: VerifyClientCertIfGiven
`;
}

function notes({ places: { cookies, parameters } }: ProxyPlan): readonly string[] {
  return [
    ...(cookies.length === 0
      ? []
      : [`Traefik cannot take one cookie out of several: with ${cookies.join(', ')}, all of them end here.`]),
    ...(parameters.length === 0
      ? []
      : [
          `WARNING: Traefik cannot take a parameter out of the query: the API sees the tokens in ${parameters.map(encodeURIComponent).join(', ')}.`,
        ]),
  ];
}

function router({ name, prefix }: PlannedPolicy): string {
  const paths = `(Path(\`${prefix}\`) || PathPrefix(\`${prefix}/\`)) && !PathRegexp(\`(?i)${AMBIGUOUS_PATH}\`)`;
  const comment =
    prefix === '/'
      ? ''
      : '      # Not a path that Traefik and the API could read differently: another policy than its own would be asked.\n';
  return `    api-${name}:
${comment}      rule: Host(\`api.example.com\`)${prefix === '/' ? '' : ` && ${paths}`}
      entryPoints: [websecure]
      tls: { options: clients }
      middlewares: [clear, certificate, ask-${name}, drop-credentials]
      service: api
`;
}

function documentRouter({ name, document }: PlannedPolicy): string {
  if (document === undefined) return '';
  return `    document-${name}:
      # What everyone is told of the API (RFC 9728): nobody is asked, and no credentials are passed on.
      rule: Host(\`api.example.com\`) && Path(\`${document}\`)
      entryPoints: [websecure]
      tls: { options: clients }
      middlewares: [without-credentials]
      service: auth
`;
}

/** What the routers of documents need. */
function documentParts(plan: ProxyPlan): { readonly middleware: string; readonly service: string } {
  if (documentPaths(plan).length === 0) return { middleware: '', service: '' };
  return {
    middleware: `    without-credentials:
      headers:
        customRequestHeaders:
${block(
  credentialHeaders(plan).map((name) => `${name}: ''`),
  10,
)}
`,
    service: `    auth:
      loadBalancer:
        servers:
          - url: http://${authorityOf(plan) ?? ''}
`,
  };
}

function asking({ name, askAt }: PlannedPolicy, plan: ProxyPlan): string {
  return `    ask-${name}:
      forwardAuth:
        address: http://${authorityOf(plan) ?? ''}${askAt}
        # Else recent versions take the certificate away. What clients sent is gone already: keep clear in front of this.
        trustForwardHeader: true
        # What the client sent under these names goes, with underscores too, which some languages take for the same; what
        # the answer says takes its place.
        authResponseHeadersRegex: '${replaced(plan)}'
${block(sessionLines(plan), 8)}`;
}

/** Cookies of the answer that the client gets. */
function sessionLines({ session }: ProxyPlan): readonly string[] {
  return session === undefined ? [] : [`addAuthCookiesToResponse: [${session.cookie}]`];
}

/** The token of the client, the usual headers by how they begin, and the others. */
function replaced(plan: ProxyPlan): string {
  const names = ['Authorization', 'X-Credential-.*', ...unusualHeaders(plan)].map((name) =>
    name.replaceAll('-', '[-_]'),
  );
  return `(?i)^(?:${[...names, 'X[-_]Forwarded[-_]Tls[-_]Client[-_]Cert'].join('|')})$`;
}

function dropped({ places }: ProxyPlan): readonly string[] {
  return [
    'DPoP',
    ...places.headers,
    ...(places.cookies.length === 0 ? [] : ['Cookie']),
    'X-Forwarded-Tls-Client-Cert',
  ];
}
