import {
  credentialHeaders,
  documentPaths,
  type PlannedPolicy,
  type ProxyPlan,
  unusualHeaders,
} from './proxy-plan.js';
import { AMBIGUOUS_PATH, authorityOf, block, heading, literally } from './text.js';

/** Prints a Caddyfile. */
export function caddyConfig(plan: ProxyPlan): string {
  const isOne = plan.policies.length === 1;
  // Which is when it learned to take a parameter out of the query.
  const version = plan.places.parameters.length === 0 ? '2.6' : '2.8';
  return `${heading('caddy', `Caddy ${version} or later (forward_auth)`)}

api.example.com {
	tls /etc/ssl/api/server.crt /etc/ssl/api/server.key {
		client_auth {
			mode verify_if_given
			trusted_ca_cert_file /etc/ssl/api/client-ca.crt
		}
	}

	# In this order: Caddy would sort it otherwise.
	route {
		# By Connection a client names headers that Caddy takes away on the way to the API (RFC 9110 §7.6.1): none of these.
		@nominates header_regexp Connection (?i)(${nominated(plan).join('|')})
		respond @nominates 400
${isOne ? '' : severalPolicies()}
		# What the client sends under these names goes first: some versions of Caddy copy no empty header over it. A name
		# with an underscore is the same name for some languages.
		request_header -*_*
		request_header -X-Credential-*
${block(
  unusualHeaders(plan).map((name) => `request_header -${name}`),
  2,
  '\t',
)}		request_header -${plan.certificateHeader}

${documents(plan)}		# Without a certificate the placeholder would be sent as it stands here.
		@proved vars_regexp {tls_client_fingerprint} ^[0-9a-f]+$
		request_header @proved ${plan.certificateHeader} {tls_client_certificate_der_base64}

${isOne ? plan.policies.map((policy) => block(steps(policy, plan), 2, '\t')).join('') : plan.policies.map((policy) => routeOf(policy, plan)).join('\n')}${isOne ? '' : '\n\t\trespond 404\n'}	}
}
`;
}

function nominated(plan: ProxyPlan): readonly string[] {
  const { places, certificateHeader } = plan;
  const cookie = places.cookies.length === 0 ? [] : ['cookie'];
  const named = [
    'authorization',
    'dpop',
    certificateHeader,
    ...cookie,
    ...places.headers,
    ...unusualHeaders(plan),
  ];
  return ['x-credential-', ...named.map((name) => literally(name.toLowerCase()))];
}

function severalPolicies(): string {
  return `
		# A path that Caddy and the API could read differently would be asked about by another policy than its own.
		@ambiguous vars_regexp {http.request.orig_uri} \`(?i)^[^?]*(?:${AMBIGUOUS_PATH})\`
		respond @ambiguous 400
`;
}

function documents(plan: ProxyPlan): string {
  const paths = documentPaths(plan);
  if (paths.length === 0) return '';
  const lines = [
    '# What everyone is told of the API (RFC 9728): nobody is asked, and no credentials are passed on.',
    `@documents path ${paths.join(' ')}`,
    'route @documents {',
    ...credentialHeaders(plan).map((name) => `\trequest_header -${name}`),
    `\treverse_proxy ${addressOf(plan)}`,
    '}',
    '',
  ];
  return block(lines, 2, '\t');
}

function addressOf(plan: ProxyPlan): string {
  return 'unix' in plan.auth ? `unix/${plan.auth.unix}` : (authorityOf(plan) ?? '');
}

function routeOf(policy: PlannedPolicy, plan: ProxyPlan): string {
  const { name, prefix } = policy;
  return `		@policy-${name} path ${prefix} ${prefix}/*
		route @policy-${name} {
${block(steps(policy, plan), 3, '\t')}		}
`;
}

/** What a client sends under such a name goes first. */
const SESSION_COOKIE = 'X-Credential-Session-Cookie';

/**
 * The cookie of an answer goes to the client, by way of a header of the request: Caddy copies nothing else. Where an answer has
 * none, some versions copy the placeholder as it stands.
 */
function sessionLines(policy: string, cookie: string): readonly string[] {
  return [
    '# The cookie of a session is for the client.',
    `@session-${policy} header_regexp ${SESSION_COOKIE} ^${literally(cookie)}=`,
    `header @session-${policy} +Set-Cookie {http.request.header.${SESSION_COOKIE}}`,
    `request_header -${SESSION_COOKIE}`,
    '',
  ];
}

/** What happens to a request that a policy is about. */
function steps({ name: policy, askAt, phantom }: PlannedPolicy, plan: ProxyPlan): readonly string[] {
  const { copied, places, certificateHeader, session } = plan;
  const headers = [
    ...copied,
    ...(phantom ? ['Authorization'] : []),
    ...(session === undefined ? [] : [`Set-Cookie>${SESSION_COOKIE}`]),
  ];
  const gone = [...places.headers, 'DPoP', certificateHeader, ...(phantom ? [] : ['Authorization'])];
  return [
    `forward_auth ${addressOf(plan)} {`,
    `\turi ${askAt}`,
    '\tcopy_headers {',
    ...headers.map((name) => `\t\t${name}`),
    '\t}',
    '}',
    '',
    ...(session === undefined ? [] : sessionLines(policy, session.cookie)),
    "# The client's token ends here.",
    ...gone.map((name) => `request_header -${name}`),
    ...places.cookies.map(
      // The empty group stands for nothing. The semicolon behind is left, for the next cookie of this name begins with it.
      (name) => `request_header Cookie \`(?:^|;)[ \\t]*${literally(name)}[ \\t]*=[^;]*()\` $1`,
    ),
    ...places.parameters.map((name) => `uri query ${JSON.stringify(`-${name}`)}`),
    '',
    'reverse_proxy 127.0.0.1:8080',
  ];
}
