import {
  IsArray,
  IsBoolean,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsString,
  Matches,
  ValidateNested,
} from './class-validator.js';
import { isScope } from '../authorization/demands.js';
import type { KnownTokensSettings } from '../access-token/known-tokens.js';
import type { CertBoundAuthOptions, TokenCacheOptions } from '../cert-bound-auth.options.js';
import type { CertificateSettings } from '../client-certificate/certificate-settings.js';
import type { SettingsOf } from '../common/settings-of.js';
import { isJsonObject } from '../jose/json-object.js';
import { CheckedAuthorizationServerOptions } from './authorization-server.settings.js';
import { certificateSourceOf, CheckedTlsCertificateOptions } from './client-certificate.settings.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { Declares, hasOptions } from './declared-options.js';
import { CheckedDpopOptions } from './dpop.settings.js';
import { CheckedInteractionIdOptions } from './interaction-id.settings.js';
import { CheckedMessageOptions } from './messages.settings.js';
import { checkPolicies } from './named-policies.js';
import { CheckedProtectedResourceOptions } from './protected-resource.settings.js';
import { CheckedRevocationOptions } from './revocations.settings.js';
import { CheckedSessionOptions } from './session.settings.js';
import { CheckedWebSocketTicketOptions } from './web-socket-tickets.settings.js';
import {
  areOrigins,
  Given,
  HasNoProblems,
  IsAudience,
  IsBindingPolicy,
  IsFunction,
  IsGroup,
  IsGroupOrFalse,
  IsPositiveInt,
  IsSeconds,
  isFunction,
  MOST_ENTRIES,
  Satisfies,
} from './option-checks.js';

@Declares<TokenCacheOptions>()
class CheckedTokenCacheOptions implements KnownTokensSettings {
  @Given() @IsPositiveInt(MOST_ENTRIES) readonly maxEntries: number = 100_000;
  @Given() @IsPositiveInt(Number.MAX_SAFE_INTEGER) readonly maxSize: number = 134_217_728;
}

/** The options of the module, each checked by itself, with every default. */
export type CertBoundAuthSettings = SettingsOf<
  CertBoundAuthOptions,
  'resolveAuthorizationServer' | 'introspectionOrder' | 'realm' | 'validate' | 'profile' | 'allowedOrigins',
  {
    readonly authorizationServers: readonly CheckedAuthorizationServerOptions[];
    readonly clientCertificate: CertificateSettings;
    readonly dpop: CheckedDpopOptions | undefined;
    readonly tokenCache: false | CheckedTokenCacheOptions;
    readonly revocations: CheckedRevocationOptions | undefined;
    readonly session: CheckedSessionOptions | undefined;
    readonly messages: CheckedMessageOptions;
    readonly webSocketTickets: CheckedWebSocketTicketOptions | undefined;
    readonly protectedResource: CheckedProtectedResourceOptions | undefined;
    readonly interactionId: CheckedInteractionIdOptions | undefined;
  }
>;

@Declares<CertBoundAuthOptions>()
export class CheckedCertBoundAuthOptions implements CertBoundAuthSettings {
  @IsAudience() readonly audience!: CertBoundAuthSettings['audience'];

  @IsArray({ message: 'give a list with at least one server: [{ issuer }]' })
  @Satisfies('notEmpty', 'give at least one server: [{ issuer }]', isEnough)
  @IsObject({ each: true, message: 'every server is an object: { issuer, ... }' })
  @ValidateNested({ each: true })
  @hasOptions('list', () => CheckedAuthorizationServerOptions)
  readonly authorizationServers!: readonly CheckedAuthorizationServerOptions[];

  @Given()
  @IsFunction('give a function (issuer, request) => options of its server')
  readonly resolveAuthorizationServer: CertBoundAuthSettings['resolveAuthorizationServer'];

  @Given() @IsBindingPolicy() readonly binding: CertBoundAuthSettings['binding'] = 'required';

  @Given()
  @IsIn(['by-configuration'], { message: `use 'by-configuration'` })
  readonly introspectionOrder: CertBoundAuthSettings['introspectionOrder'];

  @Given()
  @IsGroup(`give { from: 'tls' | 'header' | 'custom', ... }, or what forwardedBy makes`, certificateSourceOf)
  readonly clientCertificate: CertificateSettings = new CheckedTlsCertificateOptions();

  @Given()
  @IsGroup('give { publicUrl, ... }', () => CheckedDpopOptions)
  readonly dpop: CheckedDpopOptions | undefined;

  @Given()
  @Satisfies('report', 'use true, false or a function (request) => void', isReport)
  readonly reportUnbound: CertBoundAuthSettings['reportUnbound'] = false;

  @Given() @IsSeconds(300) readonly clockTolerance: number = 5;

  @Given()
  @IsGroupOrFalse('give false or { maxEntries?, maxSize? }', () => CheckedTokenCacheOptions)
  readonly tokenCache: false | CheckedTokenCacheOptions = new CheckedTokenCacheOptions();

  @Given()
  @IsGroup('give { maxTokenLifetime?, maxEntries?, store? }', () => CheckedRevocationOptions)
  readonly revocations: CheckedRevocationOptions | undefined;

  @Given()
  @IsGroup('give { secrets, ... }', () => CheckedSessionOptions)
  readonly session: CheckedSessionOptions | undefined;

  @Given()
  @IsIn(['end-at-expiry', 'keep'], { message: `use 'end-at-expiry' or 'keep'` })
  readonly streams: CertBoundAuthSettings['streams'] = 'end-at-expiry';

  @Given()
  @IsIn(['lazy', 'eager'], { message: `use 'lazy' or 'eager'` })
  readonly bootstrap: CertBoundAuthSettings['bootstrap'] = 'lazy';

  @Given()
  @Satisfies(
    'paths',
    "give a list of paths, each as '/favicon.ico' or '/docs/*', without a query, '.', '..', '//', ';' or escapes",
    arePublicPaths,
  )
  readonly publicPaths: readonly string[] = [];

  @Given()
  @IsGroup('give { findCredentials?, publicMethods? }', () => CheckedMessageOptions)
  readonly messages: CheckedMessageOptions = new CheckedMessageOptions();

  @Given()
  @IsGroup('give { lifetime?, store? }', () => CheckedWebSocketTicketOptions)
  readonly webSocketTickets: CheckedWebSocketTicketOptions | undefined;

  @Given()
  @Satisfies('scopeImplies', "give scopes by scope: { admin: ['payments:write'] }", areImpliedScopes)
  readonly scopeImplies: CertBoundAuthSettings['scopeImplies'] = {};

  @Given()
  @IsGroup('give { resource, ... }', () => CheckedProtectedResourceOptions)
  readonly protectedResource: CheckedProtectedResourceOptions | undefined;

  @Given()
  @IsIn(['fapi2', 'mcp'], { message: `use 'fapi2' or 'mcp'` })
  readonly profile: CertBoundAuthSettings['profile'];

  @Given()
  @Satisfies('origins', "give a list of origins, each as 'https://app.example.com'", areOrigins)
  readonly allowedOrigins: CertBoundAuthSettings['allowedOrigins'];

  @Given()
  @IsGroup("give { missing, invalid }, each 'generate' or 'refuse'", () => CheckedInteractionIdOptions)
  readonly interactionId: CheckedInteractionIdOptions | undefined;

  @Given() @HasNoProblems(checkPolicies) readonly policies: CertBoundAuthSettings['policies'] = {};

  @Given()
  @IsString({ message: 'give a string' })
  @IsNotEmpty({ message: 'leave it out or give some text' })
  @Matches(/^[\x20-\x7e]*$/, { message: 'use printable ASCII only' })
  readonly realm: CertBoundAuthSettings['realm'];

  @Given() @IsBoolean({ message: 'use true or false' }) readonly exposeToken: boolean = false;

  @Given()
  @IsFunction('give a function (token, request) => user')
  readonly validate: CertBoundAuthSettings['validate'];
}

/** Where the app names further servers, there need be none in the list. */
function isEnough(servers: unknown, owner: object): boolean {
  if (!Array.isArray(servers) || servers.length > 0) return Array.isArray(servers);
  return (owner as Partial<CheckedCertBoundAuthOptions>).resolveAuthorizationServer !== undefined;
}

/** Segments of what needs no escape; nothing that would open all there is. */
const PUBLIC_PATH = /^(?:\/[\w\-.~!$&'()+,=:@]+)+(?:\/\*?)?$/;

function arePublicPaths(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (path) =>
        path === '/' ||
        (typeof path === 'string' && PUBLIC_PATH.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path)),
    )
  );
}

function areImpliedScopes(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    Object.entries(value).every(
      ([scope, implied]) =>
        isScope(scope) &&
        Array.isArray(implied) &&
        implied.length > 0 &&
        implied.every((each) => isScope(each)),
    )
  );
}

function isReport(value: unknown): boolean {
  return typeof value === 'boolean' || isFunction(value);
}

/** Checks that there can be something to report. */
export function checkReportUnbound({
  reportUnbound,
  binding,
  authorizationServers,
  resolveAuthorizationServer,
}: CertBoundAuthSettings): readonly ConfigurationProblem[] {
  if (reportUnbound === false) return [];
  if (resolveAuthorizationServer !== undefined && binding === 'if-bound') return [];
  if (authorizationServers.some((server) => (server.binding ?? binding) === 'if-bound')) return [];
  const remedy = "there is nothing to report: without binding: 'if-bound' unbound tokens are refused";
  return [problem('reportUnbound', reportUnbound, remedy)];
}
