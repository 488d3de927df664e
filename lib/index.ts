// The public API, in the order of a reader: the module, the routes, the server, what a handler gets, refusals.
export { CertBoundAuthModule } from './nest/cert-bound-auth.module.js';
export type { CertBoundAuthOptionsFactory } from './nest/options-factory.js';
export type {
  AlgorithmOptions,
  AuthorizationServerHttpOptions,
  AuthorizationServerOptions,
  AuthorizationServerTlsOptions,
  BindingPolicy,
  CertBoundAuthExtras,
  CertBoundAuthOptions,
  ClaimNames,
  ClaimPath,
  ClientAuthentication,
  ClientCertificateOptions,
  ClientSecretAuthentication,
  ClientSecretJwtAuthentication,
  DpopAlgorithm,
  DpopOptions,
  MessageCredentials,
  MessageOptions,
  InteractionIdOptions,
  MetadataSignature,
  ProtectedResourceOptions,
  CustomClientCertificateOptions,
  FixedKeyOptions,
  ForwardedCertificateFormat,
  HeaderClientCertificateOptions,
  OcspOptions,
  RevocationListOptions,
  CertificateRevocationOptions,
  CertificateTrustOptions,
  InProcessIntrospectionOptions,
  IntrospectionCacheOptions,
  IntrospectionOptions,
  IntrospectionRuleOptions,
  JwsAlgorithm,
  JwtOptions,
  JwtRuleOptions,
  KeyCacheOptions,
  StatusListOptions,
  NoClientAuthentication,
  PolicyOptions,
  PrivateKeyJwtAuthentication,
  PublicUrlOf,
  PublishedKeyOptions,
  RemoteIntrospectionOptions,
  RevocationOptions,
  SessionOptions,
  SharedIntrospectionCacheOptions,
  SharedSecretOptions,
  TlsClientAuthentication,
  TlsClientCertificateOptions,
  TlsMaterial,
  TokenCacheOptions,
  TrustedProxy,
  WebSocketTicketOptions,
  WebSocketTicketStore,
} from './cert-bound-auth.options.js';
export {
  forAuth0,
  forCognito,
  forCurity,
  forDuende,
  forEntraId,
  forForgeRock,
  forHydra,
  forKeycloak,
  forOkta,
  forPingFederate,
  forPingOne,
  forSpringAuthorizationServer,
} from './options/authorization-server-presets.js';
export type { AuthorizationServerPreset } from './options/server-preset.js';
export {
  type AwsAlbOptions,
  type ChosenHeader,
  type CloudflareOptions,
  type F5Options,
  forwardedBy,
  type ForwardedByOptions,
  type UnverifyingProxyOptions,
  type UsualHeader,
  type VerifyingProxyOptions,
  type WithChainHeader,
  type WithVerifyHeader,
} from './client-certificate/header/presets.js';
export { INTERACTION_IDS } from './options/interaction-id-presets.js';
export { RFC9068_REQUIRED_CLAIMS } from './access-token/jwt-verifier.js';
export { CertBoundAuthConfigurationError, type ConfigurationProblem } from './options/configuration-error.js';

export { describeEntrances, logEntrances } from './nest/entrances/describe-entrances.js';
export { describeOpenApi, type OpenApiDocument } from './nest/entrances/open-api.js';
export type { Entrance, EntranceKind } from './nest/entrances/entrance.js';

export { ForwardAuthModule } from './forward-auth/forward-auth.module.js';
export type {
  AskingProxy,
  ForwardAuthCertificateOptions,
  ForwardAuthOptions,
  ForwardAuthPolicy,
  ForwardAuthRules,
  IntrospectedPhantomToken,
  MintedPhantomToken,
  PhantomTokenHeader,
  PhantomTokenOptions,
  TokenCookie,
  TokenHeader,
  TokenPlace,
  TokenQuery,
} from './forward-auth/forward-auth.options.js';

export { Scopes, AnyScope } from './nest/decorators/scopes.decorator.js';
export { SenderConstrained } from './nest/decorators/sender-constrained.decorator.js';
export { Psd2Roles } from './nest/decorators/psd2-roles.decorator.js';
export { CertificateIssuedBy } from './nest/decorators/certificate-issued-by.decorator.js';
export { RequireClaim } from './nest/decorators/require-claim.decorator.js';
export { AuthenticationContext } from './nest/decorators/authentication-context.decorator.js';
export { AuthorizationDetails } from './nest/decorators/authorization-details.decorator.js';
export { Demand } from './nest/decorators/demand.decorator.js';
export { authorize, type DemandsInCode } from './nest/guards/authorize.js';
export { isAmountWithin } from './authorization/amounts.js';
export type {
  AuthenticationRequirement,
  AuthorizationDetail,
  ClaimValue,
  DemandCheck,
  DemandedCall,
  DemandRemedy,
  DetailMatcher,
  DetailRequirement,
  SenderConstraint,
} from './authorization/demands.js';
export { Policy } from './nest/decorators/policy.decorator.js';
export { Public } from './nest/decorators/public.decorator.js';
export { AllowAnonymous } from './nest/decorators/allow-anonymous.decorator.js';
export {
  type AuthenticatedRequest,
  createUserDecorator,
  type UserDecorator,
  type UserOf,
} from './nest/decorators/user.decorator.js';
export { AccessToken } from './nest/decorators/access-token.decorator.js';
export { ClientCertificate } from './nest/decorators/client-certificate.decorator.js';
export { CertificateBindingGuard } from './nest/guards/certificate-binding.guard.js';
export { ScopesGuard } from './nest/guards/scopes.guard.js';

export type { McpAuthInfo } from './nest/mcp/auth-info.js';
export { mcpRequest, type RequestOfMcp } from './nest/mcp/mcp-request.js';
export { protectTools, type ScopedTools, type ToolServer } from './nest/mcp/protect-tools.js';

export type {
  IntrospectionStore,
  ReplayStore,
  RevocationEntry,
  RevocationFeed,
  RevocationReplica,
  RevocationStore,
  UnboundRequest,
} from './cert-bound-auth.options.js';
export { TooManyProofsError } from './dpop/replay-store.js';
export { MemoryReplayStore, type MemoryReplayStoreOptions } from './dpop/memory-replay-store.js';
export { RedisReplayStore, type RedisReplayStoreOptions } from './dpop/redis-replay-store.js';
export {
  RedisIntrospectionStore,
  type RedisIntrospectionStoreOptions,
} from './introspection/redis-introspection-store.js';
export {
  RedisWebSocketTicketStore,
  type RedisWebSocketTicketStoreOptions,
} from './nest/websockets/redis-ticket-store.js';
export type {
  IoredisClient,
  NodeRedisClient,
  NodeRedisEvalOptions,
  NodeRedisSetOptions,
  RedisClient,
} from './redis/redis-client.js';

export {
  mutualTls,
  type MutualTlsOptions,
  type MutualTlsServerOptions,
  type TlsFile,
} from './tls/mutual-tls.js';
export { BCP195_CIPHERS } from './tls/bcp195.js';
export { type TlsWatch, watchTls } from './nest/tls/watch-tls.js';
export type { TlsFilePaths } from './tls/tls-files.js';

export type { BindingMethod, Confirmation, VerifiedAccessToken } from './decision.js';
export type {
  BelongsToClient,
  CertificateDescription,
  CertificateIssuer,
  CertificateNames,
  CertificatePolicyOptions,
  CertificateRule,
  PrincipalOf,
  Psd2Role,
  Psd2Statement,
} from './cert-bound-auth.options.js';
export type { CertificatePolicyOutcome } from './client-certificate/certificate-policy-outcome.js';
export type { PresentedCertificate } from './client-certificate/presented-certificate.js';

export { type TicketRequest, WebSocketTickets } from './nest/websockets/web-socket-tickets.js';
export { Sessions } from './nest/sessions.js';
export { TokenRevocations } from './nest/token-revocations.js';
export type { Revocation } from './revocation/revocation-entry.js';
export type { RevocationsHealth } from './revocation/revocation-list.js';
export {
  RedisRevocationStore,
  type RedisRevocationStoreOptions,
} from './revocation/redis-revocation-store.js';
export { AccessExplainer } from './nest/access-explainer.js';
export type {
  Check,
  ExplainedStage,
  ExplainedStep,
  Explanation,
  FittingPresets,
} from './explain/explanation.js';
export { AuthorizationServers } from './nest/authorization-servers.js';
export type { RevocationSourceHealth } from './events/revocation-source-health.js';
export type { AuthorizationServerHealth } from './events/authorization-server-health.js';
export {
  type AuthorizationServersHealth,
  type AuthorizationServersStatus,
  CertBoundAuthHealthIndicator,
  type CertificateSourceHealth,
} from './nest/health-indicator.js';
export { DecisionListener } from './events/decision-listener.js';
export { DECISION_CHANNEL, SERVER_CALL_CHANNEL, UNCHECKED_REVOCATION_CHANNEL } from './events/channels.js';
export type { UncheckedRevocation } from './events/unchecked-revocation.js';
export type {
  AcceptedAccess,
  AccessDecision,
  DecidedRequest,
  RefusedAccess,
  TokenOrigin,
} from './events/access-decision.js';
export type { AuthorizationServerCall, CallPurpose } from './events/authorization-server-call.js';

export { AccessRefusedException } from './nest/http/access-refused.exception.js';
export { REFUSAL_REASONS, type RefusalReason } from './challenge/reasons.js';
