import { state } from '../demands/statements.js';

/**
 * Opens a class or a method to everyone: credentials are not looked at, `@AccessToken()` is `undefined`. A rule
 * on a method beats it on the class.
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { Public } from 'nestjs-cert-bound-auth';
 *
 * @Controller()
 * export class HealthController {
 *   @Get('health') @Public() health() {
 *     return 'ok';
 *   }
 * }
 * ```
 */
export function Public(): ClassDecorator & MethodDecorator {
  return state({ kind: 'public' });
}
