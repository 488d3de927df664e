import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';

/**
 * Makes the options, as a class for `useClass` and `useExisting` of `forRootAsync`.
 * @example
 * ```ts
 * // auth-options.ts
 * import { Injectable } from '@nestjs/common';
 * import {
 *   CertBoundAuthModule,
 *   type CertBoundAuthOptions,
 *   type CertBoundAuthOptionsFactory,
 * } from 'nestjs-cert-bound-auth';
 *
 * @Injectable()
 * export class AuthOptions implements CertBoundAuthOptionsFactory {
 *   create(): CertBoundAuthOptions {
 *     return {
 *       audience: String(process.env['AUDIENCE']),
 *       authorizationServers: [{ issuer: String(process.env['ISSUER']) }],
 *     };
 *   }
 * }
 *
 * export const auth = CertBoundAuthModule.forRootAsync({ useClass: AuthOptions });
 * ```
 */
export interface CertBoundAuthOptionsFactory {
  /** Makes them, once, while the app starts. */
  create(): CertBoundAuthOptions | Promise<CertBoundAuthOptions>;
}
