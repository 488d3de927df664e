import { type ProtectedRoute, type RoutePolicy, routePolicy } from '../demands/route-policy.js';
import type { Handler } from '../demands/methods.js';
import { TOKEN_ALONE } from '../exchange/protect.js';
import type { GraphQLObjectType } from './graphql-api.js';
import type { ResolverMethod } from './resolvers.js';

/** What a field demands; none for one that is open. */
export type FieldDemands = readonly ProtectedRoute[];

/** The resolvers of a schema, by type and field. */
export class FieldPolicies {
  private readonly resolvers = new Map<string, ResolverMethod[]>();

  /**
   * @param protectsAll whether what says nothing is protected as well
   * @param found notes the handlers that a field has been found for
   */
  constructor(
    resolvers: readonly ResolverMethod[],
    private readonly protectsAll: boolean,
    private readonly found: Set<Handler>,
  ) {
    for (const resolver of resolvers) {
      const key = keyOf(resolver.type, resolver.field);
      this.resolvers.set(key, [...(this.resolvers.get(key) ?? []), resolver]);
    }
  }

  /** What a field of an operation itself demands, whoever has made the function that resolves it. */
  ofRootField(type: GraphQLObjectType, field: string): FieldDemands {
    return this.demandsOf(type, field) ?? this.ofUnknown();
  }

  /** What a field demands that a resolver of the app is for; `undefined` for any other. */
  demandsOf(type: GraphQLObjectType, field: string): FieldDemands | undefined {
    const resolvers = this.resolversOf(type, field);
    if (resolvers.length === 0) return undefined;
    for (const resolver of resolvers) this.found.add(resolver.handler);
    return resolvers.flatMap(({ of, handler }) => this.held(routePolicy(of, handler)));
  }

  /** What nobody has said anything of. */
  ofUnknown(): FieldDemands {
    return this.protectsAll ? [TOKEN_ALONE] : [];
  }

  /** A type inherits resolvers of its interfaces, where it has none of its own. */
  private resolversOf(type: GraphQLObjectType, field: string): readonly ResolverMethod[] {
    const own = this.resolvers.get(keyOf(type.name, field));
    if (own !== undefined) return own;
    return type.getInterfaces().flatMap(({ name }) => this.resolvers.get(keyOf(name, field)) ?? []);
  }

  private held(policy: RoutePolicy): FieldDemands {
    if (policy.kind === 'public') return [];
    return this.protectsAll || policy.demanded ? [policy] : [];
  }
}

function keyOf(type: string, field: string): string {
  return `${type}.${field}`;
}
