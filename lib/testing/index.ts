export {
  selfSignedCertificate,
  type TestCertificate,
  TestCertificateAuthority,
  type TestCertificateExtension,
  type TestCertificateOptions,
} from './test-certificate-authority.js';
export {
  TestAuthorizationServer,
  type TestAuthorizationServerOptions,
  type TestBehaviour,
  type TestEndpoint,
  type TestIntrospectionClient,
  type TestJwtFault,
  type TestJwtOptions,
  type TestServerRequest,
  type TestStatusListOptions,
} from './test-authorization-server.js';
export type { TestSigningKey, TestTokenOptions } from './minted-token.js';
export {
  TestDpopClient,
  type TestDpopFault,
  type TestDpopHeaders,
  type TestDpopProofOptions,
} from './test-dpop-client.js';
export {
  CertBoundAuthTestingModule,
  type StandInFactory,
} from '../nest/testing/cert-bound-auth-testing.module.js';
export type { StandInToken } from '../nest/testing/stand-in-token.js';
export { assertNothingOpen, type NothingOpenOptions } from '../nest/testing/assert-nothing-open.js';
