import type { RefusalReason } from '../challenge/reasons.js';

/** What to do about each reason: what docs/reasons.md says of it, without its links. */
export const REMEDIES: Readonly<Record<RefusalReason, string>> = {
  credentials_missing: 'Send `Authorization: Bearer …`, or `DPoP …`. Look whether a proxy drops the header.',
  credentials_malformed: 'Correct the client; it often adds the scheme twice.',
  credentials_repeated: 'Send the token once. Look whether a proxy adds a header of its own.',
  context_unsupported: 'Mend the transport; else mark the handler `@Public()`, and protect it otherwise.',
  session_foreign_page:
    'Send the header `session.csrfHeader` with everything but `GET` and `HEAD`. For WebSockets, see `session.origins`.',
  session_invalid:
    'The client starts a new session. If all are refused, look whether all instances have the same `session.secrets`.',
  session_expired: 'The client starts a new session, with a new token if that has expired as well.',
  ticket_invalid:
    'The client asks for a new ticket for each connection, from the same page. See `webSocketTickets`.',
  ticket_store_unavailable: 'Look after the store.',
  token_too_large: 'Have the server leave claims out: groups and roles, often.',
  token_malformed: 'Look at what the client keeps and sends.',
  token_encrypted: 'Switch the encryption of access tokens off, for this API.',
  token_type_mismatch: 'See `jwt.typ` and `jwt.recognizedBy`, and the presets.',
  token_is_id_token: 'Send the access token. If it is one, see `jwt.recognizedBy`.',
  token_opaque: 'Configure introspection, or have the server issue JWTs.',
  token_inactive:
    'If new tokens are inactive too, ask why at the server. Keycloak says so of every token whose `aud` does not name the client that asks: add an audience mapper with the client id of this API.',
  token_expired: 'The client must get a new token in time. If it is seconds, look at the clocks.',
  token_not_yet_valid: 'Set the clocks; else raise `clockTolerance`.',
  token_issued_in_future: 'Set the clocks; else raise `clockTolerance`.',
  token_too_old:
    'The client must get a new token sooner. Raise `revocations.maxTokenLifetime` where tokens live longer.',
  token_revoked:
    'The client must get a new token. If the log says that the list is full, raise `revocations.maxEntries`.',
  revocations_unavailable: 'See several instances. Where it is a transmitter, have its stream verified.',
  algorithm_not_allowed: 'If the server does sign so, add it. Else it is an attack.',
  critical_header_unsupported: 'Have the server leave it out.',
  issuer_unknown: "Compare the line's `unverified_issuer` with `issuer`.",
  issuer_mismatch: 'Compare `issuer` with the `iss` of introspection answers.',
  audience_mismatch:
    'The client must ask for this API (`resource`, or an audience mapper); or `audience` is not what the server calls it.',
  key_unknown: "Compare the server's JWK Set. A key that is new is found at once, without a restart.",
  key_unusable: 'Replace the key at the server.',
  signature_invalid: 'Compare the server that issued it with the one whose keys are used.',
  claim_missing:
    'See `jwt.requiredClaims`, `claims` and, for `aud` of opaque tokens, `introspection.audience`.',
  claim_malformed: 'Have the server write it as the standard does.',
  claim_forbidden: 'As you have configured.',
  introspection_refused:
    'With another error, look at `introspection.parameters`; with JWTs, at `introspection.tokens`.',
  introspection_conflict: "Look at what the server's introspection leaves out: often `cnf`.",
  status_malformed:
    'Have the server write the claim as the Token Status List has it, and publish the list before it issues tokens that name it.',
  status_unsupported: 'Where the server keeps its lists elsewhere, name that origin in `statusList.origins`.',
  status_invalid: 'Nothing; the client gets a new token.',
  authorization_server_unreachable:
    'The line has the call and the error. A certificate that is not trusted: `tls.ca`. `not asked`: see the lines before.',
  authorization_server_answer_invalid:
    "Look at the URL in the line: a login page, a proxy's error, another issuer. Set `jwt.jwksUri` or `introspection.endpoint` where there is no discovery.",
  authorization_server_refused_client:
    'Correct `introspection.clientAuthentication`. With `tls_client_auth` also `tls.key` and `tls.cert`.',
  authorization_server_unresolved:
    "The line says which. Return `undefined` for an issuer that is none of your tenants', and see the errors of your own look-up.",
  confirmation_missing: "Switch it on at the server, see there. Until all have moved: `binding: 'if-bound'`.",
  confirmation_malformed: 'Have the server write base64url without padding of the SHA-256 of the DER.',
  confirmation_unsupported: 'Set `dpop`, or have the server bind by `x5t#S256`.',
  certificate_missing: 'Give the client its certificate; behind a proxy, see proxies.',
  certificate_header_untrusted:
    'If it is a proxy of yours, add it, or renew its certificate. Else somebody goes around it.',
  certificate_header_repeated: "Have the proxy remove the client's first.",
  certificate_header_malformed: "Choose the proxy's preset; for Envoy see its header.",
  certificate_source_failed: 'Correct it.',
  certificate_untrusted:
    "Add the CA to `mutualTls({ ca })` or `trust.ca`, and a CA between it and the client to `intermediates`. Behind a proxy: `verifyHeader` may have another value than that of success. Self-signed: `trust: 'any'`.",
  certificate_path_incomplete:
    'Have the CA that the line names sent as part of the chain (`chainHeader`), or put it into `intermediates` of `trust` or `mutualTls()`. If it is a root that you trust: into `ca`. If you do not know it: nothing.',
  certificate_revoked: 'Nothing, or get a new certificate and a new token.',
  certificate_revocation_unknown:
    'Name its list in `revocation.crl.files`, or the host that the certificate names in `hosts` (Revocation).',
  certificate_revocation_unavailable:
    'Publish a new list, restore the responder, or let this API reach it. It is asked again after a second to a minute.',
  certificate_expired: 'Renew it, and get a new token: it is bound to the old one.',
  certificate_not_yet_valid: 'Set the clocks.',
  certificate_digest_only:
    'Let the proxy pass on the certificate itself: `set_current_client_cert_details: { cert: true }`. See certificate policy.',
  certificate_unreadable: 'Ask its CA for another one.',
  certificate_usage_not_allowed:
    'Issue certificates for clients with `extendedKeyUsage = clientAuth`. See `policy.extendedKeyUsage`.',
  certificate_profile_unmet: 'The client sends another certificate: a QWAC, not the one for seals (QSealC).',
  certificate_issuer_not_allowed:
    'Add that CA, which the line names, if its certificates are meant to count.',
  certificate_denied: 'Nothing, if that is meant.',
  certificate_not_allowed: 'Add a rule, if it is meant to count.',
  certificate_client_mismatch:
    'Register the client under the name that is in its certificate. If nobody has changed anything, find out why the authorization server has bound a token to a certificate of somebody else.',
  certificate_mismatch:
    "Renewed: get a new token. The thumbprint of PEM, of the public key, of a CA: correct the server. With two proxies in a row the second passes on the first one's certificate. Else take it for a theft.",
  scheme_mismatch: "The token's `cnf` says which it is.",
  proof_missing: 'Look whether a proxy drops it.',
  proof_repeated: 'Look whether a proxy doubles it.',
  proof_too_large: 'Raise it, if that key really is so long.',
  proof_malformed: 'Correct the client.',
  proof_algorithm_not_allowed: 'The challenge names them in `algs`.',
  proof_key_unusable: 'Correct the client.',
  proof_method_mismatch: 'A proof for each request.',
  proof_target_mismatch: 'Compare the two; the line has what was expected: publicUrl.',
  proof_token_mismatch: 'A proof for each request.',
  proof_expired: "Set the clocks; for clients whose clocks you cannot set, `nonce: 'instead-of-iat'`.",
  proof_issued_in_future: 'As above.',
  proof_nonce_missing: 'If it goes on, the client ignores `DPoP-Nonce`; in a browser, see CORS.',
  proof_nonce_unknown: 'Set the same `dpop.nonceSecret` for all.',
  proof_key_mismatch: 'A new key needs a new token.',
  proof_signature_invalid: 'Correct the client.',
  proof_replayed: 'A proof for each request, the repeated ones too.',
  proofs_too_many: 'Raise `maxEntriesPerKey`, or slow the client down.',
  certificate_policy_unusable: 'The line says what is wrong with which. Mend the function, or what it reads.',
  public_url_unknown: 'Correct it; the line has the message.',
  replay_store_unavailable: 'See several instances.',
  binding_insufficient: 'The client must use a token that is bound so.',
  certificate_role_missing:
    "Roles count with `clientCertificate.policy.profile: 'psd2-qwac'`, and in the certificate that the token is bound to.",
  certificate_issuer_unmet: 'The client needs a certificate of that CA, and a token that is bound to it.',
  claim_unmet:
    'Give the user or the client the role; or the claim has another path: names with dots are given as a list.',
  user_absent: 'The client must act for a user here.',
  authentication_insufficient:
    'The client must send its user to the authorization server again, with both. If that changes nothing, the server does not put `acr` and `auth_time` into its access tokens: configure a mapper.',
  scope_missing:
    'The client must ask for them, and be allowed to; or they are in another claim: `claims.scope`.',
  authorization_details_unmet:
    'The client must ask for an entry of this type that does. An entry with fields that `@AuthorizationDetails()` does not name covers nothing: give a function that understands them.',
  demand_unmet: 'The line has the message. At level `warn` it is likelier a fault in the function.',
  user_refused: 'The line has the message. At level `warn` it is likelier a fault in `validate`.',
};
