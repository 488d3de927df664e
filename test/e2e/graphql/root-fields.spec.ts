import { ApolloDriver } from '@nestjs/apollo';
import { GraphQLModule, GraphQLSchemaHost, Query, Resolver } from '@nestjs/graphql';
import type * as GraphQL from 'graphql';
import type { GraphQLSchema } from 'graphql';
import { createRequire } from 'node:module';
import { Public, Scopes } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { RecordingLogger } from '../../support/recording-logger.js';
import { createWorld } from '../../support/world.js';
import { graphqlOptions, query, ran, SERVERS, startBank } from './bank.js';

/** The copy that the servers have: Vite would take another one. */
const { graphql, ...types } = createRequire(import.meta.url)('graphql') as typeof GraphQL;

const world = await createWorld();
const { client1, client2 } = world;

beforeEach(() => {
  ran.splice(0);
});

/** A schema that the app has made by itself. */
function ownSchema(): GraphQLSchema {
  const text = { type: types.GraphQLString, resolve: () => `own ${ran.push('own')}` };
  return new types.GraphQLSchema({
    query: new types.GraphQLObjectType({
      name: 'Query',
      fields: { own: text, other: { type: types.GraphQLString } },
    }),
  });
}

describe.each(SERVERS)('INV12: root fields without a handler of Nest, served by %s', (server) => {
  test('what a schema-first app adds by the option resolvers demands a valid token', async () => {
    const bank = await startBank(world, [server, 'schema-first']);
    expect((await query(bank, world, '{ plain }')).codes).toEqual(['UNAUTHENTICATED']);
    expect((await query(bank, world, 'mutation { plainly }')).codes).toEqual(['UNAUTHENTICATED']);
    const token = await bank.as.accessToken({ certificate: client1 });
    expect((await query(bank, world, '{ plain }', { certificate: client2, token })).codes).toEqual([
      'UNAUTHENTICATED',
    ]);
    expect(ran).toEqual([]);
    const honest = { certificate: client1, token };
    expect((await query(bank, world, '{ plain }', honest)).data).toEqual({ plain: 'plain' });
    expect((await query(bank, world, 'mutation { plainly }', honest)).data).toEqual({ plainly: true });
  });

  test('a schema that the app has made by itself demands a valid token', async () => {
    const bank = await startBank(world, [server, 'none'], {
      graphql: { schema: ownSchema() },
      providers: [],
    });
    expect((await query(bank, world, '{ own other }')).codes).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(ran).toEqual([]);
    const token = await bank.as.accessToken({ certificate: client1 });
    const answer = await query(bank, world, '{ own other }', { certificate: client1, token });
    expect(answer.data).toEqual({ own: 'own 1', other: null });
  });

  test('a field that transformSchema adds, and one that it renames, are held', async () => {
    const transformSchema = (schema: GraphQLSchema): GraphQLSchema => {
      const fields = schema.getQueryType()?.getFields() ?? {};
      const { accounts, sample } = fields;
      if (accounts !== undefined) fields['renamed'] = { ...accounts, name: 'renamed' };
      if (sample !== undefined) fields['opened'] = { ...sample, name: 'opened' };
      return schema;
    };
    const bank = await startBank(world, [server, 'code-first'], { graphql: { transformSchema } });
    expect((await query(bank, world, '{ renamed { id } opened { id } }')).codes).toEqual([
      'UNAUTHENTICATED',
      'UNAUTHENTICATED',
    ]);
    const token = await bank.as.accessToken({ certificate: client1 });
    // The guards of its handler still know what that demands.
    const answer = await query(bank, world, '{ renamed { id } opened { id } }', {
      certificate: client1,
      token,
    });
    expect(answer.data).toEqual({ renamed: null, opened: { id: 's' } });
  });

  test('a schema that two apps share is decided about by the app that an operation came to', async () => {
    const schema = ownSchema();
    const options = { graphql: { schema }, providers: [] };
    const [one, other] = [
      await startBank(world, [server, 'none'], options),
      await startBank(world, [server, 'none'], options),
    ];
    for (const [bank, stranger] of [
      [one, other],
      [other, one],
    ] as const) {
      const token = await bank.as.accessToken({ certificate: client1 });
      const caller = { certificate: client1, token };
      expect((await query(bank, world, '{ own }', caller)).errors).toEqual([]);
      expect((await query(stranger, world, '{ own }', caller)).codes).toEqual(['UNAUTHENTICATED']);
    }
  });

  test('two apps that share resolver classes never share a decision', async () => {
    const [one, other] = [
      await startBank(world, [server, 'code-first']),
      await startBank(world, [server, 'code-first']),
    ];
    const token = await one.as.accessToken({ certificate: client1, scope: 'accounts:read' });
    const caller = { certificate: client1, token };
    expect((await query(one, world, '{ accounts { id } }', caller)).errors).toEqual([]);
    expect((await query(other, world, '{ accounts { id } }', caller)).codes).toEqual(['UNAUTHENTICATED']);
  });

  test('an operation that the app runs by itself has no sender, and gets what is public', async () => {
    const logger = new RecordingLogger();
    const bank = await startBank(world, [server, 'code-first'], { logger });
    const { schema } = bank.app.get(GraphQLSchemaHost, { strict: false });
    const result = await graphql({ schema, source: '{ strict }', contextValue: {} });
    expect(result.errors?.[0]?.extensions['code']).toBe('UNAUTHENTICATED');
    expect(result.errors?.[0]?.originalError).toBeInstanceOf(Error);
    expect(
      (await graphql({ schema, source: '{ perRequestOpen }', contextValue: {} })).errors,
    ).toBeUndefined();
    expect(logger.ours.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('reason=context_unsupported context=graphql field=Query.strict'),
    );
  });
});

describe.each(SERVERS)('the context of an operation on %s', (server) => {
  const FROZEN = Object.freeze({ req: {} });
  const SHARED = {};
  const STALE = { req: {} };
  const CONTEXTS = {
    'of a function that leaves out the request': { context: () => ({ other: 1 }) },
    'of a function that returns nothing': { context: () => undefined },
    'of a function that returns another request': { context: () => ({ req: { headers: {} }, user: 'root' }) },
    'of an object': { context: { other: 1 } },
    'of a frozen object': { context: () => FROZEN },
    'of one object for all': { context: () => SHARED },
    'of one object for all that has a request already': { context: () => STALE },
  };

  test.each(Object.entries(CONTEXTS))(
    'the request is found whatever is in a context %s',
    async (_name, options) => {
      const bank = await startBank(world, [server, 'code-first'], { graphql: options });
      const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read' });
      const send = async (caller: object): Promise<readonly unknown[]> =>
        (await query(bank, world, '{ whoami accounts { id } }', caller)).codes;
      for (const _ of [1, 2]) {
        expect(await send({ certificate: client1, token })).toEqual([]);
        expect(await send({ certificate: client2, token })).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
        expect(await send({})).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
      }
      // Side by side, no request is taken for another one.
      const other = await bank.as.accessToken({ certificate: client2, scope: 'accounts:read' });
      const callers = Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0 ? { certificate: client1, token } : { certificate: client2, token: other },
      );
      const seen = await Promise.all(
        callers.map(
          async (caller) => (await query(bank, world, '{ sample { owner label } whoami }', caller)).data,
        ),
      );
      expect(seen.map((data) => /client[12]/.exec(String(data?.['whoami']))?.[0])).toEqual(
        callers.map(({ certificate }) => (certificate === client1 ? 'client1' : 'client2')),
      );
    },
  );

  test('a context that is no object opens nothing', async () => {
    const bank = await startBank(world, [server, 'code-first'], { graphql: { context: () => 'text' } });
    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read' });
    for (const caller of [{}, { certificate: client2, token }]) {
      const answer = await query(bank, world, '{ accounts { id } }', caller);
      expect(answer.data?.['accounts'] ?? null).toBeNull();
    }
    expect(ran).toEqual([]);
  });
});

// Mercurius registers itself once in an app.
describe.each(SERVERS.slice(0, 2))('several GraphQLModules in one app on %s', (server) => {
  test('each has its own schema, whose fields demand what their resolvers do', async () => {
    @Resolver()
    class AdminResolver {
      @Query(() => String, { nullable: true }) @Scopes('admin') strict(): string {
        return 'admin';
      }
    }
    class AdminModule {}
    class PublicModule {}
    @Resolver()
    class PublicResolver {
      @Query(() => String, { nullable: true }) @Public() strict(): string {
        return 'public';
      }
    }
    const admin = { module: AdminModule, providers: [AdminResolver] };
    const open = { module: PublicModule, providers: [PublicResolver] };
    const own = { path: '/admin', include: [AdminModule], autoSchemaFile: true };
    const bank = await startBank(world, [server, 'code-first'], {
      graphql: { include: [PublicModule] },
      providers: [],
      imports: [admin, open, GraphQLModule.forRoot(graphqlOptions(server, 'none', own) as never)],
    });
    expect((await query(bank, world, '{ strict }')).data).toEqual({ strict: 'public' });
    const token = await bank.as.accessToken({ certificate: client1, scope: 'admin' });
    const poor = await bank.as.accessToken({ certificate: client1 });
    const path = '/admin';
    expect((await query(bank, world, '{ strict }', { path })).codes).toEqual(['UNAUTHENTICATED']);
    const caller = { certificate: client1, path };
    expect((await query(bank, world, '{ strict }', { ...caller, token: poor })).codes).toEqual(['FORBIDDEN']);
    expect((await query(bank, world, '{ strict }', { ...caller, token })).data).toEqual({ strict: 'admin' });
  });
});

describe('a schema that cannot be held', () => {
  test('a GraphQLModule that is global, and so initialised before this module, stops the boot', async () => {
    await expect(
      startBank(world, ['apollo on express', 'code-first'], { isGraphQLGlobal: true }),
    ).rejects.toThrow(/GraphQLModule \(object\): it has been initialised before this module/);
  });

  test('a GraphQLModule whose classes a bundler has renamed stops the boot', async () => {
    class Renamed {}
    const renamed = { module: Renamed, providers: [{ provide: 'GqlModuleOptions', useValue: {} }] };
    await expect(
      startBank(world, ['apollo on express', 'code-first'], { imports: [renamed] }),
    ).rejects.toThrow(/let no bundler rename the classes of @nestjs\/graphql/);
  });

  test('a gateway, which has no schema of its own, stops the boot', async () => {
    class GatewayDriver extends ApolloDriver {
      override generateSchema(): never {
        return null as never;
      }
      override async start(): Promise<void> {
        return undefined;
      }
    }
    await expect(
      startBank(world, ['apollo on express', 'none'], { graphql: { driver: GatewayDriver }, providers: [] }),
    ).rejects.toThrow(/GraphQLModule \(undefined\): it has no schema of its own/);
  });
});
