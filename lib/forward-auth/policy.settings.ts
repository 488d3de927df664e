import { Allow, IsBoolean } from '../options/class-validator.js';
import { isScope, SENDER_CONSTRAINTS } from '../authorization/demands.js';
import { issuerProblem } from '../client-certificate/policy/issuers.js';
import { isPsd2Role } from '../client-certificate/policy/psd2-roles.js';
import type { ClaimPath } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import { Declares, hasOptions } from '../options/declared-options.js';
import { Given, HasNoProblems, isHeaderName, isTextOrTexts, Satisfies } from '../options/option-checks.js';
import { isAuthorization } from './authorization-header.js';
import { CREDENTIAL_HEADERS } from './credential-headers.js';
import type { ForwardAuthPolicy } from './forward-auth.options.js';
import type { PhantomTokenSettings } from './phantom-token.js';
import { checkPhantomToken, phantomTokenOf } from './phantom-token.settings.js';

const SCOPES = "give a list of scopes, one name each: ['payments:read']";

/** One policy, with what it takes over, as configured. */
export type PolicySettings = SettingsOf<
  ForwardAuthPolicy,
  Exclude<keyof ForwardAuthPolicy, 'scopes' | 'credentialHeaders' | 'allowAnonymous'>,
  { readonly phantomToken: PhantomTokenSettings | undefined }
>;

@Declares<ForwardAuthPolicy>()
export class CheckedForwardAuthPolicy implements PolicySettings {
  @Given() @Satisfies('scopes', SCOPES, isScopes) readonly scopes: readonly string[] = [];

  @Given()
  @Satisfies('scopes', SCOPES, (value) => isScopes(value) && value.length > 0)
  readonly anyScope: PolicySettings['anyScope'];

  @Given() @HasNoProblems(checkRoles) readonly psd2Roles: PolicySettings['psd2Roles'];

  @Given()
  @HasNoProblems(checkIssuers)
  readonly certificateIssuedBy: PolicySettings['certificateIssuedBy'];

  @Given() @IsBoolean({ message: 'use true or false' }) readonly allowAnonymous: boolean = false;

  @Given()
  @HasNoProblems(checkConstraints)
  readonly senderConstrained: PolicySettings['senderConstrained'];

  @Given()
  @HasNoProblems(checkCertificateSource)
  readonly clientCertificate: PolicySettings['clientCertificate'];

  @Given() @HasNoProblems(checkToken) readonly token: PolicySettings['token'];

  @Given()
  @HasNoProblems(checkCredentialHeaders)
  readonly credentialHeaders: Readonly<Record<string, ClaimPath>> = {};

  @Given()
  @HasNoProblems(checkPhantomToken)
  @hasOptions('group', phantomTokenOf)
  readonly phantomToken: PhantomTokenSettings | undefined;

  // What follows is checked as the module's own options are, which have the defaults.
  @Allow() readonly audience: PolicySettings['audience'];
  @Allow() readonly authorizationServers: PolicySettings['authorizationServers'];
  @Allow() readonly binding: PolicySettings['binding'];
  @Allow() readonly introspectionOrder: PolicySettings['introspectionOrder'];
  @Allow() readonly dpop: PolicySettings['dpop'];
  @Allow() readonly reportUnbound: PolicySettings['reportUnbound'];
  @Allow() readonly clockTolerance: PolicySettings['clockTolerance'];
  @Allow() readonly tokenCache: PolicySettings['tokenCache'];
  @Allow() readonly realm: PolicySettings['realm'];
  @Allow() readonly protectedResource: PolicySettings['protectedResource'];
  @Allow() readonly scopeImplies: PolicySettings['scopeImplies'];
}

function isScopes(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((scope) => isScope(scope));
}

function checkRoles(
  roles: unknown,
  path: string,
  { clientCertificate }: JsonObject,
): readonly ConfigurationProblem[] {
  if (!Array.isArray(roles) || roles.length === 0 || !roles.every(isPsd2Role))
    return [problem(path, roles, "give a list of roles: 'PSP_AS', 'PSP_PI', 'PSP_AI', 'PSP_IC'")];
  const policy = isJsonObject(clientCertificate) ? clientCertificate['policy'] : undefined;
  return isJsonObject(policy) && policy['profile'] === 'psd2-qwac'
    ? []
    : [
        problem(
          path,
          roles,
          "it needs clientCertificate.policy.profile: 'psd2-qwac': nobody could be let in",
        ),
      ];
}

const ISSUERS = 'give a list of CAs: { ca }, { caFile }, { spkiSha256 } or { dn }';

function checkIssuers(
  issuers: unknown,
  path: string,
  { clientCertificate }: JsonObject,
): readonly ConfigurationProblem[] {
  if (!Array.isArray(issuers) || issuers.length === 0) return [problem(path, issuers, ISSUERS)];
  const wrong = issuers.flatMap((issuer: unknown, index) => {
    const remedy = issuerProblem(issuer);
    return remedy === undefined ? [] : [problem(`${path}[${index}]`, issuer, remedy)];
  });
  const trustsAny = isJsonObject(clientCertificate) && clientCertificate['trust'] === 'any';
  return wrong.length > 0 || !trustsAny
    ? wrong
    : [
        problem(
          path,
          issuers,
          "with clientCertificate.trust 'any' no chain is verified: nobody could be let in",
        ),
      ];
}

const CONSTRAINTS = new Set<unknown>(SENDER_CONSTRAINTS);

function checkConstraints(
  given: unknown,
  path: string,
  { dpop }: JsonObject,
): readonly ConfigurationProblem[] {
  const constraints: readonly unknown[] = [given].flat();
  if (constraints.length === 0 || !constraints.every((constraint) => CONSTRAINTS.has(constraint))) {
    return [problem(path, given, "use 'certificate', 'dpop' or 'any', or a list of such")];
  }
  return constraints.includes('dpop') && dpop === undefined
    ? [problem(path, given, "'dpop' needs the option dpop: nobody could be let in")]
    : [];
}

function checkCertificateSource(source: unknown, path: string): readonly ConfigurationProblem[] {
  if (!isJsonObject(source) || source['from'] !== 'tls') return [];
  const remedy =
    "use { from: 'header', header, format, trust }: the certificate of the connection is the proxy's own";
  return [problem(`${path}.from`, source['from'], remedy)];
}

const TOKEN_PLACE =
  'use one of { header, prefix? }, { cookie } and { unsafeQuery }, or a list of them, or leave it out for Authorization';
const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~\w]+$/;

function checkToken(token: unknown, path: string): readonly ConfigurationProblem[] {
  if (!Array.isArray(token)) return checkTokenPlace(token, path);
  if (token.length === 0) return [problem(path, token, TOKEN_PLACE)];
  return token.flatMap((place: unknown, index) =>
    isJsonObject(place) && isUsualHeader(place) ? [] : checkTokenPlace(place, `${path}[${index}]`),
  );
}

/** The header that is looked at where no place is named. */
function isUsualHeader({ header, ...others }: JsonObject): boolean {
  return (
    typeof header === 'string' &&
    isAuthorization(header) &&
    Object.values(others).every((other) => other === undefined)
  );
}

function checkTokenPlace(place: unknown, path: string): readonly ConfigurationProblem[] {
  const fields = isJsonObject(place) ? definedFields(place) : [];
  const names = fields.filter((name) => name !== 'prefix');
  const [name] = names;
  if (!isJsonObject(place) || names.length !== 1 || !isPlaceName(name, fields)) {
    return [problem(path, place, TOKEN_PLACE)];
  }
  return checkPlaceFields(name, place, path);
}

function definedFields(place: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(place).filter((name) => place[name] !== undefined);
}

function isPlaceName(
  name: string | undefined,
  fields: readonly string[],
): name is 'header' | 'cookie' | 'unsafeQuery' {
  if (name === 'header') return true;
  return (name === 'cookie' || name === 'unsafeQuery') && !fields.includes('prefix');
}

function checkPlaceFields(
  name: 'header' | 'cookie' | 'unsafeQuery',
  place: Readonly<Record<string, unknown>>,
  path: string,
): readonly ConfigurationProblem[] {
  const { [name]: value, prefix } = place;
  const isPrefix = prefix === undefined || (typeof prefix === 'string' && /^[\x20-\x7e]+$/.test(prefix));
  return [
    ...(isPlaceValue(name, value) ? [] : [problem(`${path}.${name}`, value, 'give its name')]),
    ...(isPrefix ? [] : [problem(`${path}.prefix`, prefix, "give printable ASCII, as 'Token '")]),
  ];
}

function isPlaceValue(name: 'header' | 'cookie' | 'unsafeQuery', value: unknown): boolean {
  if (typeof value !== 'string' || value === '') return false;
  if (name === 'cookie') return COOKIE_NAME.test(value);
  return name === 'unsafeQuery' || (isHeaderName(value) && !isAuthorization(value));
}

/** What an answer says otherwise, or what is between two hops alone (RFC 9110 §7.6.1). */
const RESERVED = new Set([
  ...Object.values(CREDENTIAL_HEADERS).map((name) => name.toLowerCase()),
  'authorization',
  'www-authenticate',
  'dpop-nonce',
  'retry-after',
  'cache-control',
  'set-cookie',
  'location',
  'date',
  'host',
  'connection',
  'keep-alive',
  'content-length',
  'content-type',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
]);

function checkCredentialHeaders(headers: unknown, path: string): readonly ConfigurationProblem[] {
  if (!isJsonObject(headers)) {
    return [problem(path, headers, "give the claim of each header: { 'X-Credential-Tenant': 'tenant.id' }")];
  }
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  return Object.entries(headers).flatMap(([name, claim], index) => {
    const at = `${path}.${name}`;
    if (!isHeaderName(name)) return [problem(at, claim, 'it is no name of a header')];
    if (RESERVED.has(name.toLowerCase())) return [problem(at, claim, 'this header is set by this module')];
    if (names.indexOf(name.toLowerCase()) !== index)
      return [problem(at, claim, 'this header is there already')];
    return isTextOrTexts(claim) ? [] : [problem(at, claim, 'name a claim, or a path by dots')];
  });
}
