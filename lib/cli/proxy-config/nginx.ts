import { documentPaths, type ProxyPlan } from './proxy-plan.js';
import { AMBIGUOUS_PATH, authorityOf, block, heading, literally, spellingsOf } from './text.js';

/** Prints the configuration of nginx, for a file of /etc/nginx/conf.d. */
export function nginxConfig(plan: ProxyPlan): string {
  const steps = stripping(plan);
  const answers = answersOf(plan);
  return `${heading('nginx', 'nginx 1.13.5 or later (auth_request)')}

map $http_upgrade $connection_upgrade {
  default upgrade;
  ''      '';
}
${steps.maps}
server {
  listen 443 ssl;
  server_name api.example.com;

  ssl_certificate        /etc/ssl/api/server.crt;
  ssl_certificate_key    /etc/ssl/api/server.key;
  ssl_protocols          TLSv1.2 TLSv1.3;
  # Who has no certificate gets a 401; who has one of another CA gets a 400 of nginx.
  ssl_client_certificate /etc/ssl/api/client-ca.crt;
  ssl_verify_client      optional;

  # What the answer says of the caller. What is absent is empty, and nginx then sends no such header at all: what the
  # client itself sent under these names never gets through. A name with an underscore nginx drops by itself.
${block(
  answers.map(([name, answer]) => `auth_request_set ${answer} $upstream_http_${variable(name)};`),
  2,
)}${block(
    phantomLines(plan),
    2,
  )}  # What goes to the client: a nonce with any answer, the challenge with a 403. nginx copies that of a 401 itself.
  auth_request_set $dpop_nonce $upstream_http_dpop_nonce;
  auth_request_set $challenge $upstream_http_www_authenticate;
  add_header DPoP-Nonce $dpop_nonce always;
${block(sessionLines(plan), 2)}  error_page 403 = @forbidden;

  # A location with a proxy_set_header of its own inherits none of these: repeat them all there.
${block(
  answers.map(([name, answer]) => `proxy_set_header ${name} ${answer};`),
  2,
)}  # The client's token ends here.
  proxy_set_header Authorization ${hasPhantom(plan) ? '$phantom_token' : '""'};
${block(
  [...plan.places.headers, 'DPoP', plan.certificateHeader, ...verifyHeaders(plan)].map(
    (name) => `proxy_set_header ${name} "";`,
  ),
  2,
)}${block(steps.headers, 2)}  proxy_set_header Host $host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_http_version 1.1;

${steps.refusal}${plan.policies.length === 1 ? '' : severalPolicies()}${plan.policies
    .map(({ name, prefix }) => protectedLocation(name, prefix, steps.uri))
    .join('')}${documentPaths(plan)
    .map((path) => documentLocation(path, plan))
    .join(
      '',
    )}${plan.policies.map(({ name, askAt }) => askingLocation(name, askAt, plan)).join('')}  location @forbidden {
    internal;
    add_header WWW-Authenticate $challenge always;
    add_header DPoP-Nonce $dpop_nonce always;
    return 403;
  }
}
`;
}

/** As nginx names the variable of a header. */
function variable(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** By its default variables_hash_bucket_size nginx does not start with a longer name of a variable. */
const LONGEST_VARIABLE = 46;

/** The variables that hold the headers of an answer: one whose name would be too long is numbered. */
function answersOf({ copied }: ProxyPlan): readonly (readonly [header: string, answer: string])[] {
  return copied.map((name, index) => {
    const variableOfAnswer = `answer_${variable(name)}`;
    return [
      name,
      `$${variableOfAnswer.length > LONGEST_VARIABLE ? `answer_${index + 1}` : variableOfAnswer}`,
    ];
  });
}

/** Without one in the answer the variable is empty. */
function hasPhantom({ policies }: ProxyPlan): boolean {
  return policies.some(({ phantom }) => phantom);
}

function phantomLines(plan: ProxyPlan): readonly string[] {
  return hasPhantom(plan) ? ['auth_request_set $phantom_token $upstream_http_authorization;'] : [];
}

/** It comes with refusals too, which end a session. */
function sessionLines({ session }: ProxyPlan): readonly string[] {
  if (session === undefined) return [];
  return [
    'auth_request_set $session_cookie $upstream_http_set_cookie;',
    'add_header Set-Cookie $session_cookie always;',
  ];
}

function verifyHeaders({ verifyHeader }: ProxyPlan): readonly string[] {
  return verifyHeader === undefined ? [] : [verifyHeader];
}

function severalPolicies(): string {
  return `  # A path that nginx and the API could read differently would be asked about by another policy than its own.
  if ($request_uri ~* "^[^?]*(?:${AMBIGUOUS_PATH})") {
    return 400;
  }

  location / {
    return 404;
  }

`;
}

function protectedLocation(name: string, prefix: string, uri: string): string {
  const body = `    auth_request /.auth/${name};
    proxy_pass http://127.0.0.1:8080${uri};
  }

`;
  if (prefix === '/') return `  location / {\n${body}`;
  return `  location = ${prefix} {\n${body}  location ${prefix}/ {\n${body}`;
}

/** The path is named again, for nginx would pass it on as it was sent. */
function documentLocation(path: string, plan: ProxyPlan): string {
  return `  # What everyone is told of the API (RFC 9728): nobody is asked, and no credentials are passed on.
  location = ${path} {
    proxy_pass http://${addressOf(plan)}${path};
    proxy_pass_request_headers off;
    proxy_pass_request_body off;
  }

`;
}

function addressOf(plan: ProxyPlan): string {
  return 'unix' in plan.auth ? `unix:${plan.auth.unix}:` : (authorityOf(plan) ?? '');
}

function askingLocation(name: string, askAt: string, plan: ProxyPlan): string {
  const { certificateHeader, verifyHeader } = plan;
  return `  location = /.auth/${name} {
    internal;
    proxy_pass http://${addressOf(plan)}${askAt};
    proxy_pass_request_body off;
    # For the headers of the answer; a phantom token may be long.
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    # These replace what the client sent under the same names.
    proxy_set_header Content-Length "";
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header ${certificateHeader} $ssl_client_escaped_cert;
${block(verifyHeader === undefined ? [] : [`proxy_set_header ${verifyHeader} $ssl_client_verify;`], 4)}  }

`;
}

interface Stripping {
  readonly maps: string;
  readonly headers: readonly string[];
  /** What is refused because not all of it could be taken away. */
  readonly refusal: string;
  /** Behind the address of the API; empty where the URI stays as it was sent. */
  readonly uri: string;
}

/** Takes tokens out of cookies and out of the query, one name after the other. */
function stripping({ places: { cookies, parameters } }: ProxyPlan): Stripping {
  const cookieMaps = cookies.map((name, index) => {
    const [from, to] = [index === 0 ? '$http_cookie' : `$cookies_${index}`, `$cookies_${index + 1}`];
    const cookie = `[ \\t]*${literally(name)}[ \\t]*=`;
    const pattern = `^(?<cookies_before_${index}>(?:.*;)?)${cookie}[^;]*;?[ \\t]*(?<cookies_after_${index}>.*)$`;
    return mapOf(from, to, [
      // One can be taken out. Of several none stays, and no other cookie either.
      [`(?:^|;)${cookie}.*;${cookie}`, ''],
      [pattern, `$cookies_before_${index}$cookies_after_${index}`],
    ]);
  });
  const uriMaps = parameters.map((name, index) => {
    const [from, to] = [index === 0 ? '$request_uri' : `$uri_${index}`, `$uri_${index + 1}`];
    const parameter = literally(encodeURIComponent(name));
    const pattern = `^(?<uri_before_${index}>[^?]*[?](?:.*&)?)${parameter}=[^&]*&?(?<uri_after_${index}>.*)$`;
    return mapOf(from, to, [[pattern, `$uri_before_${index}$uri_after_${index}`]]);
  });
  const uri = parameters.length === 0 ? '' : `$uri_${parameters.length}`;
  return {
    maps: [...cookieMaps, ...uriMaps].join(''),
    headers: cookies.length === 0 ? [] : [`proxy_set_header Cookie $cookies_${cookies.length};`],
    refusal: uri === '' ? '' : refusalOf(uri, parameters),
    uri,
  };
}

function refusalOf(uri: string, parameters: readonly string[]): string {
  return `  # A token that is in the query twice, or under its name in another spelling, could not be taken away in whole.
  if (${uri} ~ "^[^?]*[?](?:.*&)?(?:${parameters.map((name) => spellingsOf(name)).join('|')})=") {
    return 400;
  }

`;
}

function mapOf(
  from: string,
  to: string,
  rules: readonly (readonly [pattern: string, result: string])[],
): string {
  return `\nmap ${from} ${to} {
  default ${from};
${block(
  rules.map(([pattern, result]) => `"~${pattern}" "${result}";`),
  2,
)}}
`;
}
