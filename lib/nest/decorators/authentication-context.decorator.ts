import type { AuthenticationRequirement } from '../../authorization/demands.js';
import { demand } from './demand.js';

/** A challenge quotes it, and separates several by spaces. */
const ACR = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Shorter than clocks differ and a round trip takes, nobody could ever meet it. */
const SHORTEST_AGE_SECONDS = 10;

/**
 * Protects a class or a method: the user must have authenticated in one of these ways (`acr`), or not too long ago (`auth_time`),
 * or both (RFC 9470). A caller that does not meet it gets 401 with `insufficient_user_authentication`, `acr_values` and
 * `max_age`, by which a client can ask its user to authenticate again; with the scopes, where those are missing as well. A
 * token of no user gets 403. Class and method hold together: the values that both name, and the shorter age.
 * @throws TypeError without a requirement, for a value that no challenge can hold, and for an age below 10 seconds
 * @example
 * ```ts
 * import { Controller, Post } from '@nestjs/common';
 * import { AuthenticationContext } from 'nestjs-cert-bound-auth';
 *
 * @Controller('transfers')
 * export class TransfersController {
 *   @Post() @AuthenticationContext({ acrValues: ['urn:example:sca'], maxAge: 300 }) transfer() {}
 * }
 * ```
 */
export function AuthenticationContext({
  acrValues = [],
  maxAge,
}: AuthenticationRequirement): ClassDecorator & MethodDecorator {
  requireAuthentication('@AuthenticationContext()', { acrValues, maxAge });
  return demand({ kind: 'authentication', acrValues, maxAge });
}

/** @throws TypeError */
function requireAuthentication(
  what: string,
  { acrValues, maxAge }: { readonly acrValues: readonly string[]; readonly maxAge: number | undefined },
): void {
  if (acrValues.length === 0 && maxAge === undefined)
    throw new TypeError(`${what} needs acrValues, maxAge, or both`);
  if (!acrValues.every((value) => ACR.test(value)))
    throw new TypeError(`${what}: an acr value is text without spaces, quotes and backslashes`);
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= SHORTEST_AGE_SECONDS))
    throw new TypeError(`${what}: maxAge is whole seconds, at least ${SHORTEST_AGE_SECONDS}`);
}
