import { issuerCheck } from '../../authorization/make-demands.js';
import type { CertificateIssuer } from '../../cert-bound-auth.options.js';
import { demand } from './demand.js';

/**
 * Protects a class or a method: a valid token is needed that is bound to a certificate above which one of these CAs stands, in a
 * chain that was verified; with `clientCertificate.trust: 'any'` nobody has one. Each is as in `clientCertificate.policy.issuers`, which
 * says the same for the whole app. A caller with a certificate of another CA gets 403 without an error code: no other token would help it.
 * @throws TypeError without a CA, and for one that can't be read
 * @example
 * ```ts
 * import { Controller, Post } from '@nestjs/common';
 * import { CertificateIssuedBy } from 'nestjs-cert-bound-auth';
 *
 * @Controller('payments')
 * export class PaymentsController {
 *   @Post() @CertificateIssuedBy({ dn: 'CN=Example Bank CA,O=Example Bank,C=DE' }) initiate() {}
 * }
 * ```
 */
export function CertificateIssuedBy(
  ...issuers: readonly CertificateIssuer[]
): ClassDecorator & MethodDecorator {
  return demand(issuerCheck('@CertificateIssuedBy', issuers));
}
