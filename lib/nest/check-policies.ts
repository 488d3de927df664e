import type { Type } from '@nestjs/common';
import { nearestOf } from '../common/did-you-mean.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { metadataTargetOf } from '../protected-resource/metadata-url.js';
import { chainsOf, type Handler, methodsOf } from './demands/methods.js';
import { routePolicy } from './demands/route-policy.js';
import { policiesAmong, statementsOnClass, statementsOnMethod } from './demands/statements.js';

/** A handler of a class, and the name of its method. */
export interface NamedHandler {
  readonly name: string;
  readonly handler: Handler;
}

/** Checks that each `@Policy()` of a class names one policy, which there is. */
export function checkNamedPolicies(
  controller: Type,
  handlers: readonly NamedHandler[],
  { policies }: ResolvedOptions,
): readonly ConfigurationProblem[] {
  const known = [...policies.keys()];
  const said = policiesSaid(controller).flatMap(({ path, names }) => checkNames(path, names, known));
  if (said.length > 0) return said;
  return handlers.flatMap(({ name, handler }) => {
    const { policy } = routePolicy(controller, handler);
    return policy === undefined || known.includes(policy)
      ? []
      : [
          problem(
            `${controller.name}.${name}`,
            handler,
            `which @Policy() it is for cannot be told: ${policy}`,
          ),
        ];
  });
}

interface SaidPolicies {
  readonly path: string;
  readonly names: readonly string[];
}

/** By a class and those that it extends, and by their methods. */
function policiesSaid(controller: Type): readonly SaidPolicies[] {
  const classes = chainsOf(controller)
    .flat()
    .map((prototype) => ({ path: controller.name, names: policiesAmong(statementsOnClass(prototype)) }));
  const methods = methodsOf(controller).flatMap(({ name, levels }) =>
    levels.map(({ prototype, value }) => ({
      path: `${controller.name}.${name}`,
      names: policiesAmong(statementsOnMethod(prototype, name, value)),
    })),
  );
  return [...classes, ...methods];
}

function checkNames(
  path: string,
  names: readonly string[],
  known: readonly string[],
): readonly ConfigurationProblem[] {
  if (names.length > 1) {
    const remedy = `it is of several policies, ${names.join(' and ')}: leave one @Policy()`;
    return [problem(path, names, remedy)];
  }
  return names
    .filter((name) => !known.includes(name))
    .map((name) => problem(path, name, unknown(name, known)));
}

function unknown(name: string, known: readonly string[]): string {
  const nearest = nearestOf(name, known);
  const meant = nearest === undefined ? '' : `: did you mean '${nearest}'?`;
  const list = known.length === 0 ? 'the option policies has none' : `there are ${known.join(', ')}`;
  return `@Policy('${name}'): there is no such policy${meant} (${list})`;
}

/** Checks that every document of metadata has a place of its own. */
export function checkMetadataTargets(options: ResolvedOptions): readonly ConfigurationProblem[] {
  const all = [
    ['', options] as const,
    ...[...options.policies].map(([name, policy]) => [`policies.${name}.`, policy.options] as const),
  ];
  const places = all.flatMap(([at, { protectedResource: told }]) =>
    told === undefined ? [] : [{ path: `${at}protectedResource.resource`, resource: told.resource }],
  );
  return places.flatMap(({ path, resource }, index) => {
    const earlier = places.slice(0, index).find((each) => targetOf(each.resource) === targetOf(resource));
    if (earlier === undefined) return [];
    const remedy = `its metadata would be served in the same place as that of ${earlier.path}: give it another path`;
    return [problem(path, resource, remedy)];
  });
}

/** Without the host, at which nobody looks. */
function targetOf(resource: string): string {
  const { path, query } = metadataTargetOf(resource);
  return path + query;
}
