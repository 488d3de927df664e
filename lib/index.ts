// The public API, in the order of a reader: the module, the routes, the server, what a handler gets, refusals.
export { CertBoundAuthModule } from './cert-bound-auth.module.js';
export type {
  AlgorithmOptions,
  AuthorizationServerHttpOptions,
  AuthorizationServerOptions,
  AuthorizationServerTlsOptions,
  BindingPolicy,
  CertBoundAuthExtras,
  CertBoundAuthOptions,
  ClaimNames,
  ClientAuthentication,
  ClientCertificateOptions,
  ClientSecretAuthentication,
  ClientSecretJwtAuthentication,
  DpopAlgorithm,
  DpopOptions,
  FixedKeyOptions,
  InProcessIntrospectionOptions,
  IntrospectionCacheOptions,
  IntrospectionOptions,
  IntrospectionRuleOptions,
  JwsAlgorithm,
  JwtOptions,
  JwtRuleOptions,
  NoClientAuthentication,
  PrivateKeyJwtAuthentication,
  PublicUrlOf,
  PublishedKeyOptions,
  RemoteIntrospectionOptions,
  SharedIntrospectionCacheOptions,
  SharedSecretOptions,
  TlsClientAuthentication,
  TlsClientCertificateOptions,
  TlsMaterial,
} from './cert-bound-auth.options.js';
export {
  type AuthorizationServerPreset,
  forAuth0,
  forEntraId,
  forKeycloak,
  forOkta,
} from './authorization-server-presets.js';
export { RFC9068_REQUIRED_CLAIMS } from './access-token/jwt-verifier.js';
export { CertBoundAuthConfigurationError, type ConfigurationProblem } from './options/configuration-error.js';

export { Scopes, AnyScope } from './authorization/scopes.decorator.js';
export { SenderConstrained } from './authorization/sender-constrained.decorator.js';
export type { SenderConstraint } from './authorization/route-policy.js';
export { Public } from './authorization/public.decorator.js';
export { AccessToken } from './authorization/access-token.decorator.js';
export { ClientCertificate } from './authorization/client-certificate.decorator.js';
export { CertificateBindingGuard } from './confirmation/certificate-binding.guard.js';
export { ScopesGuard } from './authorization/scopes.guard.js';

export { type ReplayStore, TooManyProofsError } from './confirmation/replay-store.js';
export type { UnboundRequest } from './confirmation/unbound-request.js';
export type { IntrospectionStore } from './access-token/introspection-store.js';

export {
  mutualTls,
  type MutualTlsOptions,
  type MutualTlsServerOptions,
  type TlsFile,
} from './tls/mutual-tls.js';
export { type TlsWatch, watchTls } from './tls/watch-tls.js';
export type { TlsFilePaths } from './tls/tls-files.js';

export type {
  BindingMethod,
  Confirmation,
  VerifiedAccessToken,
} from './access-token/verified-access-token.js';
export type { PresentedCertificate } from './request/presented-certificate.js';

export { AccessRefusedException } from './challenge/access-refused.exception.js';
export type { RefusalReason } from './challenge/oauth-error.js';
