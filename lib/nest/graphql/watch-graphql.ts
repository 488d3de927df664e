import type { ModulesContainer } from '@nestjs/core';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from '../../options/configuration-error.js';
import type { Handler } from '../demands/methods.js';
import { routePolicy } from '../demands/route-policy.js';
import { FieldPolicies } from './field-policies.js';
import type { DriverOptions, GraphQLDriver, GraphQLSchema } from './graphql-api.js';
import type { GraphQLApp } from './graphql-app.js';
import { holdSchema } from './hold-schema.js';
import { notingContexts } from './note-contexts.js';
import { servedSchemaOf, watchServedSchema } from './served-schema.js';
import {
  type ModuleOfNest,
  REFERENCE,
  resolverClassesOf,
  type ResolverMethod,
  resolversOf,
} from './resolvers.js';

/** What is known of the app that operations come to. */
type App = Omit<GraphQLApp, 'isApollo'>;

/** One `GraphQLModule` of an app. */
interface Endpoint {
  readonly host: { readonly schema: GraphQLSchema | null };
  readonly driver: GraphQLDriver;
  readonly app: GraphQLApp;
  readonly policies: FieldPolicies;
  /** Whether its server has been started through us. */
  isWatched: boolean;
}

/** Holds the schemas of an app, from before they are served. */
export class GraphQLWatch {
  private readonly endpoints: readonly Endpoint[];
  /** The resolvers that a field of a schema has been found for. */
  private readonly found = new Set<Handler>();

  /**
   * @param modules before their `onModuleInit`, by which `GraphQLModule` starts its server
   * @throws CertBoundAuthConfigurationError where it is too late
   */
  constructor(
    private readonly modules: ModulesContainer,
    app: App,
  ) {
    this.endpoints = [...modules.values()].flatMap((module) => this.endpointOf(module, app));
    for (const endpoint of this.endpoints) watchDriver(endpoint);
  }

  /**
   * Holds what has come into the schemas since their servers were started.
   * @throws CertBoundAuthConfigurationError where something cannot be held
   */
  holdAll(hasServer: boolean): void {
    const problems = this.endpoints.flatMap((endpoint) => this.holdEndpoint(endpoint, hasServer));
    problems.push(...this.unfound());
    if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
  }

  private holdEndpoint(endpoint: Endpoint, hasServer: boolean): readonly ConfigurationProblem[] {
    if (hasServer && !endpoint.isWatched) return [problem('GraphQLModule', endpoint.driver, NOT_STARTED)];
    const schema = schemaOf(endpoint);
    if (schema === undefined) return hasServer ? [problem('GraphQLModule', undefined, NO_SCHEMA)] : [];
    for (const each of new Set([schema, servedSchemaOf(endpoint.driver) ?? schema]))
      holdSchema(each, endpoint.app, endpoint.policies);
    return [];
  }

  private endpointOf(module: ModuleOfNest, app: App): readonly Endpoint[] {
    const host = providerNamed(module, 'GraphQLSchemaHost') as Endpoint['host'] | undefined;
    if (host === undefined && !module.providers.has(OPTIONS)) return [];
    const driver = providerNamed(module, 'AbstractGraphQLDriver') as Partial<GraphQLDriver> | undefined;
    if (host === undefined || typeof driver?.start !== 'function' || schemaOf({ host }) !== undefined) {
      throw new CertBoundAuthConfigurationError([problem('GraphQLModule', driver, TOO_LATE)]);
    }
    const resolvers = resolverClassesOf(this.included(module)).flatMap(({ of }) => resolversOf(of));
    return [
      {
        host,
        driver: driver as GraphQLDriver,
        app: { ...app, isApollo: isOfApollo(driver) },
        policies: new FieldPolicies(resolvers, app.protectsAll, this.found),
        isWatched: false,
      },
    ];
  }

  /** The modules whose resolvers are in the schema of a `GraphQLModule`: all, or those that `include` names, and their imports. */
  private included(module: ModuleOfNest): Iterable<ModuleOfNest> {
    const { include = [] } = (providerNamed(module, OPTIONS) ?? {}) as {
      readonly include?: readonly unknown[];
    };
    if (include.length === 0) return this.modules.values();
    const included = new Set([...this.modules.values()].filter(({ metatype }) => include.includes(metatype)));
    // A set also gives what is added while it is read.
    for (const each of included) for (const imported of each.imports) included.add(imported);
    return included;
  }

  /** Of a field with another name nobody would know what it demands. */
  private unfound(): readonly ConfigurationProblem[] {
    if (this.endpoints.length === 0) return [];
    const resolvers = resolverClassesOf(this.modules.values()).flatMap(({ of }) => resolversOf(of));
    return resolvers
      .filter(
        (resolver) =>
          isFieldResolver(resolver) && !this.found.has(resolver.handler) && demandsSomething(resolver),
      )
      .map(({ of, method, handler, type, field }) =>
        problem(`${of.name}.${method}`, handler, `no schema has the field ${type}.${field}, so ${UNFOUND}`),
      );
  }
}

/** By which `GraphQLModule` is known whatever a bundler has made of the names of its classes. */
const OPTIONS = 'GqlModuleOptions';

const TOO_LATE =
  'it has been initialised before this module, or its classes have lost their names, so its schema cannot be held: ' +
  'do not make it global, and let no bundler rename the classes of @nestjs/graphql';
const NOT_STARTED =
  'its server has not been started by its driver, so nothing is known of who sends operations';
const NO_SCHEMA =
  'it has no schema of its own that could be held, as that of a gateway: protect the gateway otherwise, in an app ' +
  'of its own, and let this module protect the subgraphs';
const UNFOUND = 'what its decorators demand could not be held: is it renamed by transformSchema?';

function watchDriver(endpoint: Endpoint): void {
  const { driver, app, policies } = endpoint;
  const start = driver.start.bind(driver);
  driver.start = async (options: DriverOptions) => {
    endpoint.isWatched = true;
    const { schema } = options;
    // Before its server copies it.
    if (schema !== undefined && schema !== null) holdSchema(schema, app, policies);
    const started = await start(notingContexts(options, app));
    watchServedSchema(driver, (served) => holdSchema(served, app, policies));
    return started;
  };
}

function schemaOf({ host }: Pick<Endpoint, 'host'>): GraphQLSchema | undefined {
  try {
    return host.schema ?? undefined;
  } catch {
    // It throws as long as there is none.
    return undefined;
  }
}

/** None of `@nestjs/graphql` is loaded from here: its classes are known by their names. */
function providerNamed({ providers }: ModuleOfNest, name: string): unknown {
  for (const [token, { instance }] of providers) {
    if (token === name || (typeof token === 'function' && token.name === name)) return instance ?? undefined;
  }
  return undefined;
}

function isOfApollo(driver: object): boolean {
  for (let each: object | null = driver; each; each = Object.getPrototypeOf(each) as object | null)
    if (each.constructor.name === 'ApolloBaseDriver') return true;
  return false;
}

function isFieldResolver({ type, field }: ResolverMethod): boolean {
  return (
    !field.startsWith('__') &&
    field !== REFERENCE &&
    type !== 'Query' &&
    type !== 'Mutation' &&
    type !== 'Subscription'
  );
}

function demandsSomething({ of, handler }: ResolverMethod): boolean {
  const policy = routePolicy(of, handler);
  return policy.kind === 'protected' && policy.demanded;
}
