import { ApolloFederationDriver } from '@nestjs/apollo';
import { ForbiddenException, ImATeapotException, UnauthorizedException } from '@nestjs/common';
import {
  Context,
  Directive,
  Field,
  ID,
  Int,
  InterfaceType,
  ObjectType,
  Query,
  ResolveReference,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import type { VerifiedAccessToken } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { clientOf, createWorld } from '../../support/world.js';
import { query, SERVERS, startBank } from './bank.js';
import { connectTo, subscribeTo } from './subscriber.js';

const world = await createWorld();
const { client1 } = world;

interface WithUser {
  readonly user?: { readonly name: string };
}

/** Where an app finds the request: of Apollo, of its graphql-ws, and of mercurius. */
interface GivenContext {
  readonly req?: WithUser & { readonly extra?: { readonly request: WithUser } };
  readonly request?: WithUser;
}

@Resolver()
class UserResolver {
  @Query(() => String, { nullable: true }) name(@Context() { req }: GivenContext): string | undefined {
    return req?.user?.name;
  }
  @Subscription(() => String, { nullable: true }) names(
    @Context() { req, request }: GivenContext,
  ): AsyncIterable<object> {
    const user = (req?.extra?.request ?? request)?.user;
    return (async function* once() {
      yield { names: user?.name };
    })();
  }
}

let refusal: Error | undefined;
beforeEach(() => {
  refusal = undefined;
});

function validate({ subject }: VerifiedAccessToken): object {
  if (refusal !== undefined) throw refusal;
  return { name: `user of ${subject}` };
}

describe.each(SERVERS)('what validate says of a user on %s', (server) => {
  const start = async (graphql: object = {}): ReturnType<typeof startBank> =>
    startBank(world, [server, 'code-first'], { options: { validate }, providers: [UserResolver], graphql });

  test('the user that validate makes is on the request, and on the handshake of a connection', async () => {
    const bank = await start();
    const token = await bank.as.accessToken({ certificate: client1 });
    const caller = { certificate: client1, token };
    expect((await query(bank, world, '{ name }', caller)).data).toEqual({ name: 'user of user-1' });
    const names = subscribeTo(connectTo(bank, world, caller), 'subscription { names }');
    await eventually(() => names.isOver);
    expect(names.results).toEqual([{ data: { names: 'user of user-1' } }]);
  });

  test('what validate throws decides about code and status, and nothing is said of scopes', async () => {
    const bank = await start();
    const caller = { certificate: client1, token: await bank.as.accessToken({ certificate: client1 }) };
    for (const [thrown, code] of [
      [new ForbiddenException('suspended'), 'FORBIDDEN'],
      [new UnauthorizedException('unknown'), 'UNAUTHENTICATED'],
      [new ImATeapotException('a teapot'), 'FORBIDDEN'],
    ] as const) {
      refusal = thrown;
      const answer = await query(bank, world, '{ name }', caller);
      expect(answer.codes).toEqual([code]);
      expect(answer.errors[0]?.extensions).not.toHaveProperty('scopes');
    }
  });

  test('credentials that are sent twice are a bad request', async () => {
    const bank = await start();
    const token = await bank.as.accessToken({ certificate: client1 });
    const response = await clientOf(bank.app, world, client1, token)
      .post(`/graphql?access_token=${token}`)
      .send({ query: '{ name }' });
    expect((response.body as { readonly errors: readonly object[] }).errors[0]).toMatchObject({
      extensions: { code: 'BAD_REQUEST', error: 'invalid_request' },
    });
  });
});

describe.each(SERVERS.slice(0, 2))('the context of graphql-ws on %s', (server) => {
  test.each([{ context: () => ({}) }, { context: {} }, { path: '/graphql' }])(
    'the handshake is found whatever context the transport has of its own: %o',
    async (transport) => {
      const graphql = { subscriptions: { 'graphql-ws': transport } };
      const bank = await startBank(world, [server, 'code-first'], { graphql });
      const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks' });
      for (const caller of [{ certificate: client1, token }, { token }, { certificate: client1, token }]) {
        const ticks = subscribeTo(connectTo(bank, world, caller), 'subscription { ticks }');
        await eventually(() => ticks.results.length > 0 || ticks.isOver);
        ticks.stop();
        expect(ticks.codes).toEqual('certificate' in caller ? [] : ['UNAUTHENTICATED']);
      }
    },
  );

  test('an operation with a context that onSubscribe has made has no sender', async () => {
    const onSubscribe = async (
      _context: unknown,
      _id: string,
      { query: text }: { readonly query: string },
    ): Promise<object> => {
      const { parse } = await import('graphql');
      const { schema } = bank.app.get<{ readonly schema: object }>(SchemaHost, { strict: false });
      return { schema, document: parse(text), contextValue: { req: { user: 'root' } } };
    };
    const { GraphQLSchemaHost: SchemaHost } = await import('@nestjs/graphql');
    const bank = await startBank(world, [server, 'code-first'], {
      graphql: { subscriptions: { 'graphql-ws': { onSubscribe } } },
    });
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks' });
    const ticks = subscribeTo(
      connectTo(bank, world, { certificate: client1, token }),
      'subscription { ticks }',
    );
    await eventually(() => ticks.isOver);
    expect(ticks.codes).toEqual(['UNAUTHENTICATED']);
  });
});

describe.each(SERVERS.slice(0, 2))('odd references of federation on %s', (server) => {
  @InterfaceType('Thing', { resolveType: () => 'Stone' })
  @Directive('@key(fields: "id")')
  abstract class Thing {
    @Field(() => ID) id!: string;
  }
  @ObjectType('Stone', { implements: () => [Thing] })
  @Directive('@key(fields: "id")')
  class Stone extends Thing {
    @Field(() => Int, { nullable: true }) weight?: number;
  }
  const ran: string[] = [];
  @Resolver(() => Stone)
  class StonesResolver {
    @Query(() => [Stone], { nullable: true }) stones(): Stone[] {
      return [];
    }
    @ResolveReference() resolveReference({ id }: { readonly id: string }): object {
      ran.push(id);
      return { __typename: 'Stone', id };
    }
  }

  test('INV12: no reference that a client may write runs a resolver without a token', async () => {
    const bank = await startBank(world, [server, 'none'], {
      providers: [StonesResolver],
      graphql: { driver: ApolloFederationDriver, autoSchemaFile: { federation: 2 } },
    });
    const text = 'query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }';
    for (const of of [
      [{ __typename: 'Stone', id: '1' }],
      [{ __typename: 'Thing', id: '1' }],
      [{ __typename: 'Nothing' }, { __typename: 'Stone', id: '1' }],
      [{ __typename: ['Stone'], id: '1' }],
      [{ __typename: 5 }, 'text', 7],
      [{}],
      { __typename: 'Stone', id: '1' },
    ]) {
      const answer = await query(bank, world, { query: text, variables: { of } });
      expect(answer.codes, JSON.stringify(of)).toEqual(['UNAUTHENTICATED']);
    }
    expect(ran).toEqual([]);
  });
});
