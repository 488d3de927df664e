import { type INestApplication, Injectable, Scope } from '@nestjs/common';
import { ApolloDriver } from '@nestjs/apollo';
import {
  Args,
  Field,
  GraphQLModule,
  ID,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import {
  AccessToken,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  ClientCertificate,
  type PresentedCertificate,
  Public,
  Scopes,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { type Platform, startApp, type StartAppOptions } from '../../support/platforms.js';
import {
  AUDIENCE,
  clientOf,
  startAuthorizationServer,
  tlsOf,
  whenOver,
  type World,
} from '../../support/world.js';

/** The handlers that have run. */
export const ran: string[] = [];

function runs<Value>(name: string, value: Value): Value {
  ran.push(name);
  return value;
}

@ObjectType('Account')
export class Account {
  @Field(() => ID) id!: string;
}

/** The same class is read code-first and schema-first. */
@Resolver(() => Account)
export class AccountsResolver {
  @Query(() => [Account], { nullable: true }) @Scopes('accounts:read') accounts(): readonly Account[] {
    return runs('accounts', [{ id: 'a' }, { id: 'b' }]);
  }
  @Query(() => String, { nullable: true }) whoami(
    @AccessToken('subject') subject: string,
    @ClientCertificate() certificate?: PresentedCertificate,
  ): string {
    return runs('whoami', `${subject} ${certificate?.subject ?? 'nobody'}`);
  }
  @Query(() => Account, { nullable: true }) @Public() sample(): Account {
    return runs('sample', { id: 's' });
  }
  @Query(() => String) strict(): string {
    return runs('strict', 'strict');
  }
  @Mutation(() => Boolean, { nullable: true }) @Scopes('accounts:write') close(
    @Args('id', { type: () => ID }) id: string,
  ): boolean {
    return runs('close', id !== '');
  }
  @Mutation(() => Boolean, { nullable: true }) touch(): boolean {
    return runs('touch', true);
  }
  @Subscription(() => Int, { nullable: true }) @Scopes('ticks') ticks(): AsyncIterable<object> {
    return runs('ticks', counting('ticks'));
  }
  @Subscription(() => Account, { nullable: true }) @Public() news(): AsyncIterable<object> {
    return runs(
      'news',
      counting('news', (count) => ({ id: String(count) })),
    );
  }
  @Subscription(() => String, { nullable: true }) @Public() caller(
    @ClientCertificate() certificate?: PresentedCertificate,
  ): AsyncIterable<object> {
    return runs(
      'caller',
      counting('caller', () => certificate?.subject ?? 'nobody'),
    );
  }
  @ResolveField(() => Int, { nullable: true }) @Scopes('balance:read') balance(
    @Parent() account: Account,
  ): number {
    return runs('balance', account.id.length);
  }
  @ResolveField(() => String, { nullable: true }) owner(): string {
    return runs('owner', 'owner');
  }
  @ResolveField(() => String, { nullable: true }) @Public() label(@Parent() { id }: Account): string {
    return runs('label', `account ${id}`);
  }
}

/** How many streams of events are open. */
export let openStreams = 0;

async function* counting(
  field: string,
  make: (count: number) => unknown = (count) => count,
): AsyncIterable<object> {
  openStreams += 1;
  try {
    for (let count = 1; ; count += 1) {
      yield { [field]: make(count) };
      await wait(20);
    }
  } finally {
    openStreams -= 1;
  }
}

/** Made anew for each request. */
@Resolver()
@Injectable({ scope: Scope.REQUEST })
export class ScopedResolver {
  @Query(() => String, { nullable: true }) @Scopes('scoped') perRequest(
    @AccessToken('subject') subject: string,
  ): string {
    return runs('perRequest', subject);
  }
  @Query(() => String, { nullable: true }) @Public() perRequestOpen(): string {
    return runs('perRequestOpen', 'open');
  }
}

export const TYPE_DEFS = `
  type Account { id: ID! balance: Int owner: String label: String }
  type Query {
    accounts: [Account!]
    whoami: String
    sample: Account
    strict: String!
    perRequest: String
    perRequestOpen: String
    plain: String
  }
  type Mutation { close(id: ID!): Boolean touch: Boolean plainly: Boolean }
  type Subscription { ticks: Int news: Account caller: String }
`;

/** What a schema-first app adds beside its resolver classes, which no guard covers. */
export const RESOLVERS = {
  Query: { plain: (): string => runs('plain', 'plain') },
  Mutation: { plainly: (): boolean => runs('plainly', true) },
};

export type ServerOfGraphQL = 'apollo on express' | 'apollo on fastify' | 'mercurius';
export const SERVERS: readonly ServerOfGraphQL[] = ['apollo on express', 'apollo on fastify', 'mercurius'];

export type Way = 'code-first' | 'schema-first';
export const WAYS: readonly Way[] = ['code-first', 'schema-first'];

/** Every server, with each way to make a schema. */
export const COMBINATIONS = SERVERS.flatMap((server) => WAYS.map((way) => [server, way] as const));

export const platformOf = (server: ServerOfGraphQL): Platform =>
  server === 'apollo on express' ? 'express' : 'fastify';

/** Options of GraphQLModule for all of that. */
export function graphqlOptions(server: ServerOfGraphQL, way: Way | 'none', more: object = {}): object {
  const schema =
    way === 'code-first'
      ? { autoSchemaFile: true }
      : way === 'schema-first'
        ? { typeDefs: TYPE_DEFS, resolvers: RESOLVERS }
        : {};
  const driver =
    server === 'mercurius'
      ? { driver: MercuriusDriver, subscription: true, allowBatchedQueries: true }
      : { driver: ApolloDriver, subscriptions: { 'graphql-ws': true }, allowBatchedHttpRequests: true };
  return { ...driver, ...schema, ...more };
}

export interface Bank {
  readonly app: INestApplication;
  readonly as: TestAuthorizationServer;
  readonly endpoint: string;
}

export interface BankOptions extends StartAppOptions {
  readonly graphql?: object;
  readonly options?: Partial<CertBoundAuthOptions>;
  readonly globalGuards?: boolean;
  readonly providers?: readonly object[];
  readonly imports?: readonly object[];
  readonly as?: TestAuthorizationServer;
  readonly isGraphQLGlobal?: boolean;
}

/** Starts an app with an API of GraphQL, which ends with the test. */
export async function startBank(
  world: World,
  [server, way]: readonly [ServerOfGraphQL, Way | 'none'],
  {
    graphql = {},
    options = {},
    globalGuards = true,
    providers,
    imports = [],
    as,
    isGraphQLGlobal = false,
    ...start
  }: BankOptions = {},
): Promise<Bank> {
  const trusted = as ?? (await startAuthorizationServer(world));
  class AppModule {}
  const module = {
    module: AppModule,
    imports: [
      { ...GraphQLModule.forRoot(graphqlOptions(server, way, graphql) as never), global: isGraphQLGlobal },
      CertBoundAuthModule.forRoot({
        audience: AUDIENCE,
        authorizationServers: trusted.moduleOptions.authorizationServers,
        clockTolerance: 0,
        globalGuards,
        // So that fields may be public, and that fields refuse, and not the endpoint.
        publicPaths: ['/graphql', '/admin'],
        ...options,
      }),
      ...imports,
    ],
    providers: providers ?? [AccountsResolver, ScopedResolver],
  };
  const app = await startApp(platformOf(server), module, tlsOf(world), start);
  whenOver(async () => app.close());
  const { port } = app.getHttpServer().address() as { readonly port: number };
  return { app, as: trusted, endpoint: `127.0.0.1:${port}/graphql` };
}

/** What a server of GraphQL answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>> | null | undefined;
  readonly errors: readonly GraphQLErrorAnswer[];
  /** Of each of them. */
  readonly codes: readonly unknown[];
  readonly body: unknown;
}

export interface GraphQLErrorAnswer {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** Who sends an operation, and where to. */
export interface Caller {
  readonly certificate?: TestCertificate;
  readonly token?: string;
  readonly path?: string;
}

/** Sends an operation over TLS, with this certificate or none, and this token or none. */
export async function query(
  { app }: Bank,
  world: World,
  text: string | object,
  { certificate, token, path = '/graphql' }: Caller = {},
): Promise<Answer> {
  const response = await clientOf(app, world, certificate, token)
    .post(path)
    .send(typeof text === 'string' ? { query: text } : text);
  const body = response.body as Pick<Answer, 'data'> & { readonly errors?: Answer['errors'] };
  const errors = body.errors ?? [];
  return {
    status: response.status,
    headers: response.headers,
    data: body.data,
    errors,
    codes: errors.map(({ extensions }) => extensions?.['code']),
    body,
  };
}
