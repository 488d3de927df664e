import {
  credentialHeaders,
  documentPaths,
  type PlannedPolicy,
  type ProxyPlan,
  unusualHeaders,
} from './proxy-plan.js';
import { block, heading, hostOf } from './text.js';

/** Prints a static configuration of Envoy. */
export function envoyConfig(plan: ProxyPlan): string {
  return `${heading('envoy', 'Envoy 1.23 or later (ext_authz by HTTP)')}

static_resources:
  listeners:
    - name: api
      address: { socket_address: { address: 0.0.0.0, port_value: 443 } }
      filter_chains:
        - transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              # Who has no certificate gets a 401; who has one of another CA gets no further than the handshake.
              require_client_certificate: false
              common_tls_context:
                alpn_protocols: [h2, http/1.1]
                tls_certificates:
                  - certificate_chain: { filename: /etc/ssl/api/server.crt }
                    private_key: { filename: /etc/ssl/api/server.key }
                validation_context:
                  trusted_ca: { filename: /etc/ssl/api/client-ca.crt }
          filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: api
                # What the client sends as X-Forwarded-Client-Cert goes; only its own certificate is in it.
                forward_client_cert_details: SANITIZE_SET
                set_current_client_cert_details: { cert: true }
                # X_Credential_Sub is the same name as X-Credential-Sub for some languages.
                common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }
                upgrade_configs: [{ upgrade_type: websocket }]
                strip_any_host_port: true
                # Of an outage Envoy takes over the status alone.
                local_reply_config:
                  mappers:
                    - filter:
                        status_code_filter:
                          comparison: { op: EQ, value: { default_value: 503, runtime_key: outage } }
                      headers_to_add: [{ header: { key: retry-after, value: '5' } }]
${plan.policies.length === 1 ? '' : NORMALIZED}                http_filters:
${plan.policies.map((policy) => asking(policy, plan)).join('')}${stripping(plan)}                  - name: envoy.filters.http.router
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - name: api
                      domains: [api.example.com]
                      # The client's token ends here.
                      request_headers_to_remove: [${removed(plan).join(', ')}]
                      routes:
${plan.policies.length === 1 ? '' : AMBIGUOUS}${documentPaths(plan)
    .map((path) => documentRoute(path, plan))
    .join('')}${plan.policies.map((policy) => route(policy, plan)).join('')}
  clusters:
    - name: auth
      connect_timeout: 1s
      load_assignment:
        cluster_name: auth
        endpoints:
          - lb_endpoints:
              - endpoint: { address: ${authAddress(plan)} }
    - name: api
      connect_timeout: 1s
      load_assignment:
        cluster_name: api
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8080 } } }
`;
}

/** Envoy and the API read one path, or there is a 400. */
const NORMALIZED = `                # A path that Envoy and the API could read differently would be asked about by another policy than its own.
                normalize_path: true
                path_with_escaped_slashes_action: REJECT_REQUEST
`;
const AMBIGUOUS = String.raw`                        - match: { safe_regex: { regex: '.*(?:/\.\.?;|%2[eE]|//).*' } }
                          direct_response: { status: 400 }
`;

function asking({ name, askAt, phantom }: PlannedPolicy, plan: ProxyPlan): string {
  const { places } = plan;
  const asked = [
    'dpop',
    'x-forwarded-client-cert',
    ...(places.cookies.length === 0 ? [] : ['cookie']),
    ...ofPages(plan),
  ];
  const exact = [...unusualHeaders(plan), ...(phantom ? ['authorization'] : [])].map(pattern);
  return `                  - name: ask-${name}
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                      transport_api_version: V3
                      # An outage is no pass, and no refusal either: 503. Without the second line it would be 403.
                      failure_mode_allow: false
                      status_on_error: { code: ServiceUnavailable }
                      # Beside Authorization, which is always sent.
                      allowed_headers:
                        patterns:
${block(
  [...asked, ...places.headers].map((header) => `- ${pattern(header)}`),
  26,
)}                      http_service:
                        server_uri: { uri: 'http://auth', cluster: auth, timeout: 10s }
                        # The client's own path follows.
                        path_prefix: ${askAt}
                        authorization_response:
                          # Each of these replaces what the client sent under its name.
                          allowed_upstream_headers:
                            patterns:
                              - { prefix: x-credential-, ignore_case: true }
${block(
  exact.map((one) => `- ${one}`),
  30,
)}                          allowed_client_headers:
                            patterns:
${block(
  [...TO_CLIENT, ...setsCookie(plan)].map((header) => `- ${pattern(header)}`),
  30,
)}                          allowed_client_headers_on_success:
                            patterns: [${['dpop-nonce', ...setsCookie(plan)].map(pattern).join(', ')}]
`;
}

/** By which a request by a session says what page it comes from. */
function ofPages({ session }: ProxyPlan): readonly string[] {
  if (session === undefined) return [];
  return ['sec-fetch-site', session.csrfHeader, 'origin', 'upgrade', 'sec-websocket-key'];
}

function setsCookie({ session }: ProxyPlan): readonly string[] {
  return session === undefined ? [] : ['set-cookie'];
}

const TO_CLIENT = ['www-authenticate', 'dpop-nonce', 'retry-after', 'cache-control', 'content-type'];

function pattern(header: string): string {
  return `{ exact: ${header.toLowerCase()}, ignore_case: true }`;
}

function removed({ places }: ProxyPlan): readonly string[] {
  return ['dpop', 'x-forwarded-client-cert', ...places.headers.map((name) => name.toLowerCase())];
}

/** No filter asks about it. */
function documentRoute(path: string, plan: ProxyPlan): string {
  const headers = credentialHeaders(plan).map((name) => name.toLowerCase());
  return block(
    [
      '# What everyone is told of the API (RFC 9728): nobody is asked, and no credentials are passed on.',
      `- match: { path: ${path} }`,
      '  route: { cluster: auth }',
      `  request_headers_to_remove: [${headers.join(', ')}]`,
      '  typed_per_filter_config:',
      ...switchedOff(plan.policies),
    ],
    24,
  );
}

function switchedOff(policies: readonly PlannedPolicy[]): readonly string[] {
  return policies.flatMap(({ name }) => [
    `    ask-${name}:`,
    "      '@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
    '      disabled: true',
  ]);
}

/** Each filter asks about every route that does not switch it off. */
function route({ name, prefix, phantom }: PlannedPolicy, { policies }: ProxyPlan): string {
  const match = prefix === '/' ? '{ prefix: / }' : `{ path_separated_prefix: ${prefix} }`;
  const off = switchedOff(policies.filter((policy) => policy.name !== name));
  return block(
    [
      `- match: ${match}`,
      '  route: { cluster: api }',
      ...(phantom ? [] : ['  request_headers_to_remove: [authorization]']),
      ...(off.length === 0
        ? []
        : ['  # Only its own policy is asked about it.', '  typed_per_filter_config:', ...off]),
    ],
    24,
  );
}

function authAddress({ auth }: ProxyPlan): string {
  return 'unix' in auth
    ? `{ pipe: { path: ${auth.unix} } }`
    : `{ socket_address: { address: ${hostOf(auth.host).replaceAll(/[[\]]/g, '')}, port_value: ${auth.port} } }`;
}

/** Takes tokens out of cookies and out of the query. */
function stripping({ places: { cookies, parameters } }: ProxyPlan): string {
  if (cookies.length + parameters.length === 0) return '';
  const lines = [
    'function envoy_on_request(handle)',
    '  local headers = handle:headers()',
    ...(cookies.length === 0 ? [] : cookieLines(cookies)),
    ...(parameters.length === 0 ? [] : parameterLines(parameters)),
    'end',
  ];
  return `                  - name: drop-tokens
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
                      default_source_code:
                        inline_string: |
${block(lines, 26)}`;
}

function cookieLines(cookies: readonly string[]): readonly string[] {
  return [
    `  local tokens = { ${cookies.map((name) => `["${name}"] = true`).join(', ')} }`,
    '  local kept = {}',
    '  for index = 0, headers:getNumValues("cookie") - 1 do',
    '    for pair in headers:getAtIndex("cookie", index):gmatch("[^;]+") do',
    '      if not tokens[pair:match("^[ \\t]*(.-)[ \\t]*=")] then kept[#kept + 1] = pair end',
    '    end',
    '  end',
    '  headers:remove("cookie")',
    '  if #kept > 0 then headers:add("cookie", table.concat(kept, ";")) end',
  ];
}

function parameterLines(parameters: readonly string[]): readonly string[] {
  const names = parameters.map((name) => `["${name}"] = true`);
  return [
    `  local parameters = { ${names.join(', ')} }`,
    '  local path, query = headers:get(":path"):match("^([^?]*)%?(.*)$")',
    '  if query then',
    '    local kept = {}',
    '    for pair in query:gmatch("[^&]+") do',
    '      local name = pair:match("^[^=]*"):gsub("%+", " "):gsub("%%(%x%x)", function(code)',
    '        return string.char(tonumber(code, 16))',
    '      end)',
    '      if not parameters[name] then kept[#kept + 1] = pair end',
    '    end',
    '    headers:replace(":path", #kept == 0 and path or path .. "?" .. table.concat(kept, "&"))',
    '  end',
  ];
}
