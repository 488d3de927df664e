import { Field, ID, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { Public, Scopes } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { createWorld } from '../../support/world.js';
import { COMBINATIONS, query, ran, SERVERS, startBank } from './bank.js';

const world = await createWorld();
const { client1, client2 } = world;

beforeEach(() => {
  ran.splice(0);
});

const SAMPLE = '{ sample { id label owner balance } }';

describe.each(COMBINATIONS)('INV12: field resolvers served by %s, %s', (...combination) => {
  test('a field below a public one is open where it is public itself, and nobody is asked for credentials', async () => {
    const bank = await startBank(world, combination);
    const answer = await query(bank, world, '{ sample { id label } }');
    expect(answer.body).toEqual({ data: { sample: { id: 's', label: 'account s' } } });
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  test('a field below a public one that says nothing is refused without a token, and its siblings are answered', async () => {
    const bank = await startBank(world, combination);
    const answer = await query(bank, world, SAMPLE);
    expect(answer.data).toEqual({ sample: { id: 's', label: 'account s', owner: null, balance: null } });
    expect(answer.errors.map(({ path, extensions }) => [path, extensions?.['code']])).toEqual([
      [['sample', 'owner'], 'UNAUTHENTICATED'],
      [['sample', 'balance'], 'UNAUTHENTICATED'],
    ]);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(ran.toSorted()).toEqual(['label', 'sample']);
  });

  test('a thief is refused at the field, and who has no scope of it is told which is needed', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'other' });
    const stolen = await query(bank, world, SAMPLE, { certificate: client2, token });
    expect(stolen.codes).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    const answer = await query(bank, world, SAMPLE, { certificate: client1, token });
    expect(answer.data).toEqual({ sample: { id: 's', label: 'account s', owner: 'owner', balance: null } });
    expect(answer.errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', scopes: ['balance:read'] });
    expect(ran).not.toContain('balance');
  });

  test('the scopes of root field and field are both needed', async () => {
    const bank = await startBank(world, combination);
    const send = async (scope: string): Promise<Awaited<ReturnType<typeof query>>> =>
      query(bank, world, '{ accounts { balance owner } }', {
        certificate: client1,
        token: await bank.as.accessToken({ certificate: client1, scope }),
      });
    expect((await send('balance:read')).codes).toEqual(['FORBIDDEN']);
    expect((await send('accounts:read')).codes).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect((await send('accounts:read balance:read')).data).toEqual({
      accounts: [
        { balance: 1, owner: 'owner' },
        { balance: 1, owner: 'owner' },
      ],
    });
  });

  test('INV3: at a field, an outage is told as one', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'balance:read' });
    await bank.as.stop();
    const answer = await query(bank, world, '{ sample { balance } }', { certificate: client1, token });
    expect(answer.codes).toEqual(['SERVICE_UNAVAILABLE']);
  });

  test('globalGuards: false leaves what demands nothing open, and what demands something is held without any option of GraphQLModule', async () => {
    const bank = await startBank(world, combination, { globalGuards: false });
    const answer = await query(bank, world, '{ strict sample { owner balance } accounts { id } }');
    expect(answer.data).toEqual({
      strict: 'strict',
      sample: { owner: 'owner', balance: null },
      accounts: null,
    });
    expect(answer.codes).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(ran.toSorted()).toEqual(['owner', 'sample', 'strict']);
  });
});

describe.each(SERVERS)('a field resolver that cannot be held on %s', (server) => {
  @ObjectType('Book')
  class Book {
    @Field(() => ID) id!: string;
  }
  @Resolver(() => Book)
  class BooksResolver {
    @Query(() => Book) @Public() book(): Book {
      return { id: 'b' };
    }
    @ResolveField(() => String) @Scopes('secret') secret(): string {
      return 'secret';
    }
  }

  test('a field with demands that transformSchema has renamed stops the boot', async () => {
    const renamed = (schema: { getType(name: string): { getFields(): Record<string, object> } }): object => {
      const fields = schema.getType('Book').getFields();
      fields['hidden'] = { ...fields['secret'], name: 'hidden' };
      delete fields['secret'];
      return schema;
    };
    await expect(
      startBank(world, [server, 'code-first'], {
        graphql: { transformSchema: renamed },
        providers: [BooksResolver],
      }),
    ).rejects.toThrow(/BooksResolver\.secret \(function\): no schema has the field Book\.secret/);
  });

  test('a resolver that is public and protected at once stops the boot', async () => {
    @Resolver(() => Book)
    class Contradiction extends BooksResolver {
      @Query(() => Book) @Public() @Scopes('a') other(): Book {
        return { id: 'b' };
      }
    }
    await expect(startBank(world, [server, 'code-first'], { providers: [Contradiction] })).rejects.toThrow(
      /Contradiction\.other \(function\): it is @Public\(\) and protected at once/,
    );
  });
});
