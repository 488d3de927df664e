import { psd2Check } from '../../authorization/make-demands.js';
import type { Psd2Role } from '../../cert-bound-auth.options.js';
import { demand } from './demand.js';

/**
 * Protects a class or a method: a valid token is needed that is bound to a certificate with all of these roles of a payment
 * service provider. They count only where `clientCertificate.policy` has the profile `psd2-qwac`, because any CA can write roles into a
 * certificate; without it nobody has one. A caller without a role gets 403 without an error code: no other token would help it.
 * @throws TypeError without a role, and for what is none
 * @see ETSI TS 119 495 §5.1
 * @example
 * ```ts
 * import { Controller, Post } from '@nestjs/common';
 * import { Psd2Roles } from 'nestjs-cert-bound-auth';
 *
 * @Controller('payments')
 * export class PaymentsController {
 *   @Post() @Psd2Roles('PSP_PI') initiate() {}
 * }
 * ```
 */
export function Psd2Roles(...roles: readonly Psd2Role[]): ClassDecorator & MethodDecorator {
  return demand(psd2Check('@Psd2Roles', roles));
}
