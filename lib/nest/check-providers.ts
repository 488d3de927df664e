import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { ResourceServer } from '../resource-server.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';

/**
 * What decides must be what this package has made: a test that replaces a guard, or what guards ask, would prove nothing, and
 * an app that does would be open.
 * @param own the classes that the module provides
 */
export function checkProviders(
  modules: ModulesContainer,
  self: Type,
  own: readonly Type[],
): readonly ConfigurationProblem[] {
  return [...modules.values()]
    .filter(({ metatype }) => metatype === self || metatype.prototype instanceof self)
    .flatMap(({ providers }) =>
      own.flatMap((token) => {
        const instance: unknown = providers.get(token)?.instance;
        return isGenuine(instance, token) ? [] : [problem(token.name, instance, REMEDY)];
      }),
    );
}

const REMEDY =
  'it has been replaced, so nothing would be checked. In a test, override ' +
  'CertBoundAuthTestingModule.provider (nestjs-cert-bound-auth/testing), and nothing else of this package';

/** Of the resource server there is a stand-in for tests, which sees to it that it is in one. */
function isGenuine(instance: unknown, token: Type): boolean {
  if (!(instance instanceof token)) return false;
  if (instance.constructor === token) return true;
  return token === ResourceServer && (instance as ResourceServer).isStandIn;
}
