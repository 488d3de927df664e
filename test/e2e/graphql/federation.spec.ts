import { ApolloFederationDriver } from '@nestjs/apollo';
import {
  Directive,
  Field,
  ID,
  ObjectType,
  Query,
  ResolveField,
  ResolveReference,
  Resolver,
} from '@nestjs/graphql';
import { MercuriusFederationDriver } from '@nestjs/mercurius';
import { Public, Scopes } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { createWorld } from '../../support/world.js';
import { type Answer, type Bank, type Caller, COMBINATIONS, query, startBank } from './bank.js';

const world = await createWorld();
const { client1, client2 } = world;

const ran: string[] = [];
beforeEach(() => {
  ran.splice(0);
});

interface Reference {
  readonly id: string;
}

function resolved(type: string, { id }: Reference): Reference {
  ran.push(`${type} ${id}`);
  return { id };
}

@ObjectType('User')
@Directive('@key(fields: "id")')
class User {
  @Field(() => ID) id!: string;
}
@ObjectType('Product')
@Directive('@key(fields: "id")')
class Product {
  @Field(() => ID) id!: string;
}
@ObjectType('Tag')
@Directive('@key(fields: "id")')
class Tag {
  @Field(() => ID) id!: string;
}

@Resolver(() => User)
class UsersResolver {
  @Query(() => User, { nullable: true }) me(): User {
    return resolved('me', { id: 'me' });
  }
  @ResolveReference() @Scopes('users:read') resolveReference(reference: Reference): User {
    return resolved('User', reference);
  }
  @ResolveField(() => String, { nullable: true }) @Scopes('secret') secret(): string {
    return 'secret';
  }
}
@Resolver(() => Product)
class ProductsResolver {
  @Query(() => [Product], { nullable: true }) products(): readonly Product[] {
    return [];
  }
  @ResolveReference() resolveReference(reference: Reference): Product {
    return resolved('Product', reference);
  }
}
@Resolver(() => Tag)
@Public()
class TagsResolver {
  @Query(() => [Tag], { nullable: true }) tags(): readonly Tag[] {
    return [];
  }
  @ResolveReference() resolveReference(reference: Reference): Tag {
    return resolved('Tag', reference);
  }
}

const TYPE_DEFS = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  type User @key(fields: "id") { id: ID! secret: String }
  type Product @key(fields: "id") { id: ID! }
  type Tag @key(fields: "id") { id: ID! }
  type Query { me: User products: [Product!] tags: [Tag!] }
`;

const ENTITIES =
  'query ($of: [_Any!]!) { _entities(representations: $of) { __typename ... on User { id } } }';

describe.each(COMBINATIONS)('INV12: a subgraph of federation served by %s, %s', (server, way) => {
  const start = async (globalGuards = true): Promise<Bank> =>
    startBank(world, [server, 'none'], {
      globalGuards,
      providers: [UsersResolver, ProductsResolver, TagsResolver],
      graphql: {
        driver: server === 'mercurius' ? MercuriusFederationDriver : ApolloFederationDriver,
        ...(way === 'code-first' ? { autoSchemaFile: { federation: 2 } } : { typeDefs: TYPE_DEFS }),
      },
    });
  const entities = async (bank: Bank, types: readonly string[], caller: Caller = {}): Promise<Answer> =>
    query(
      bank,
      world,
      { query: ENTITIES, variables: { of: types.map((type) => ({ __typename: type, id: '1' })) } },
      caller,
    );

  test('no reference of an entity is resolved without a token, unless it is public', async () => {
    const bank = await start();
    const token = await bank.as.accessToken({ certificate: client1, scope: 'users:read' });
    for (const types of [['User'], ['Product'], ['Tag', 'User'], []]) {
      for (const caller of [{}, { certificate: client1 }, { certificate: client2, token }]) {
        const answer = await entities(bank, types, caller);
        expect(answer.codes, types.join()).toEqual(['UNAUTHENTICATED']);
      }
    }
    expect(ran).toEqual([]);
    expect((await entities(bank, ['Tag'])).errors).toEqual([]);
    expect(ran).toEqual(['Tag 1']);
  });

  test('what is demanded of a reference is demanded of who asks for the entity', async () => {
    const bank = await start();
    const token = await bank.as.accessToken({ certificate: client1, scope: 'other' });
    const caller = { certificate: client1, token };
    const refused = await entities(bank, ['Product', 'User'], caller);
    expect(refused.errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', scopes: ['users:read'] });
    expect(ran).toEqual([]);
    expect((await entities(bank, ['Product'], caller)).errors).toEqual([]);
    const rich = await bank.as.accessToken({ certificate: client1, scope: 'users:read' });
    const answer = await entities(bank, ['User', 'User'], { certificate: client1, token: rich });
    expect(answer.errors).toEqual([]);
    expect(answer.data?.['_entities']).toEqual([
      { __typename: 'User', id: '1' },
      { __typename: 'User', id: '1' },
    ]);
  });

  test('fields of entities are held, and so is the schema that is given to the gateway', async () => {
    const bank = await start();
    expect((await query(bank, world, '{ _service { sdl } me { id } }')).codes).toContain('UNAUTHENTICATED');
    expect(ran).toEqual([]);
    const token = await bank.as.accessToken({ certificate: client1 });
    const caller = { certificate: client1, token };
    expect((await query(bank, world, '{ me { id secret } }', caller)).codes).toEqual(['FORBIDDEN']);
    const answer = await query(bank, world, '{ _service { sdl } }', caller);
    expect(answer.data?.['_service']).toEqual({ sdl: expect.stringContaining('type User') as string });
  });

  test('INV3: an outage is told as one where entities are asked for', async () => {
    const bank = await start();
    const token = await bank.as.accessToken({ certificate: client1, scope: 'users:read' });
    await bank.as.stop();
    const answer = await entities(bank, ['User'], { certificate: client1, token });
    expect(answer.codes).toEqual(['SERVICE_UNAVAILABLE']);
  });

  test('globalGuards: false holds the references that demand something', async () => {
    const bank = await start(false);
    expect((await entities(bank, ['Product'])).errors).toEqual([]);
    expect((await entities(bank, ['Product', 'User'])).codes).toEqual(['UNAUTHENTICATED']);
    expect(ran).toEqual(['Product 1']);
  });
});
