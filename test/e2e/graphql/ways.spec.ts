import { type ExecutionContext, Injectable, UseGuards } from '@nestjs/common';
import {
  Field,
  GqlExecutionContext,
  ID,
  InterfaceType,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { AuthGuard } from '@nestjs/passport';
import { Public, Scopes, SenderConstrained } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { PUBLIC_URL } from '../../support/dpop.js';
import { eventually } from '../../support/eventually.js';
import { clientOf, createWorld, startAuthorizationServer } from '../../support/world.js';
import { query, ran, SERVERS, startBank } from './bank.js';
import { connectTo, subscribeTo } from './subscriber.js';

const world = await createWorld();
const { client1, client2 } = world;

beforeEach(() => {
  ran.splice(0);
});

@Injectable()
class GqlAuthGuard extends AuthGuard('cert-bound') {
  override getRequest(context: ExecutionContext): unknown {
    return GqlExecutionContext.create(context).getContext<{ readonly req: unknown }>().req;
  }
}

@Resolver()
class PassportResolver {
  @Query(() => String, { nullable: true }) @UseGuards(GqlAuthGuard) passport(): string {
    return 'passport';
  }
  @Query(() => String, { nullable: true }) @UseGuards(GqlAuthGuard) @Scopes('a') both(): string {
    return 'both';
  }
  @Query(() => String, { nullable: true }) open(): string {
    return 'open';
  }
}

@InterfaceType('Node')
abstract class Node {
  @Field(() => ID) id!: string;
}
@ObjectType('Letter', { implements: () => [Node] })
class Letter implements Node {
  @Field(() => ID) id!: string;
}
@Resolver(() => Node)
class NodesResolver {
  @Query(() => Letter, { nullable: true }) @Public() letter(): Letter {
    return { id: 'l' };
  }
  @ResolveField(() => String, { nullable: true }) @Scopes('secret') secret(): string {
    return 'secret';
  }
}

describe.each(SERVERS)('INV12: ways into resolvers on %s', (server) => {
  test('a GET request is decided about as a POST request is', async () => {
    const bank = await startBank(world, [server, 'code-first']);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read' });
    const path = `/graphql?query=${encodeURIComponent('{ accounts { id } }')}`;
    const get = async (certificate = client1, sent: string | undefined = token): Promise<string> => {
      const request = clientOf(bank.app, world, certificate, sent).get(path);
      return JSON.stringify((await request.set('apollo-require-preflight', 'yes')).body);
    };
    expect(await get()).toContain('"accounts":[');
    expect(await get(client2)).toContain('UNAUTHENTICATED');
    const inQuery = clientOf(bank.app, world, client1).get(`${path}&access_token=${token}`);
    expect(JSON.stringify((await inQuery.set('apollo-require-preflight', 'yes')).body)).toContain(
      'UNAUTHENTICATED',
    );
  });

  test('queries and mutations over a WebSocket are decided by its handshake', async () => {
    const full = server === 'mercurius' ? { graphql: { subscription: { fullWsTransport: true } } } : {};
    const bank = await startBank(world, [server, 'code-first'], full);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read' });
    for (const [caller, codes] of [
      [{ certificate: client1, token }, []],
      [{ certificate: client2, token }, ['UNAUTHENTICATED']],
      [{}, ['UNAUTHENTICATED']],
    ] as const) {
      const client = connectTo(bank, world, caller);
      const answer = subscribeTo(client, '{ accounts { id } }');
      await eventually(() => answer.isOver);
      expect(answer.codes).toEqual(codes);
      const mutation = subscribeTo(client, 'mutation { close(id: "a") }');
      await eventually(() => mutation.isOver);
      expect(mutation.codes).toEqual([codes.length === 0 ? 'FORBIDDEN' : 'UNAUTHENTICATED']);
    }
  });

  test('a subscription that is sent as a request is decided about as well', async () => {
    const bank = await startBank(world, [server, 'code-first']);
    const answer = await query(bank, world, 'subscription { ticks }');
    expect(JSON.stringify(answer.body)).not.toContain('"ticks":1');
    expect(ran).toEqual([]);
  });

  test('guards of the app on field resolvers, where fieldResolverEnhancers asks for them, agree', async () => {
    const graphql = { fieldResolverEnhancers: ['guards', 'filters', 'interceptors'] };
    const bank = await startBank(world, [server, 'code-first'], { graphql });
    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read balance:read' });
    const answer = await query(bank, world, '{ accounts { balance owner label } }', {
      certificate: client1,
      token,
    });
    expect(answer.errors).toEqual([]);
    expect((await query(bank, world, '{ sample { label } }')).errors).toEqual([]);
    expect((await query(bank, world, '{ sample { balance } }')).codes).toEqual(['UNAUTHENTICATED']);
  });

  test('AuthGuard of passport on a resolver shares the decision, and globalGuards: false leaves it', async () => {
    const bank = await startBank(world, [server, 'code-first'], {
      globalGuards: false,
      providers: [PassportResolver],
    });
    const token = await bank.as.accessToken({ certificate: client1 });
    const all = '{ passport both open }';
    expect((await query(bank, world, all)).codes).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect((await query(bank, world, all, { certificate: client2, token })).codes).toHaveLength(2);
    const answer = await query(bank, world, all, { certificate: client1, token });
    expect(answer.data).toEqual({ passport: 'passport', both: null, open: 'open' });
    expect(answer.codes).toEqual(['FORBIDDEN']);
  });

  test('a field that a type has from an interface demands what the resolver of the interface does', async () => {
    const bank = await startBank(world, [server, 'code-first'], {
      providers: [NodesResolver],
      graphql: { inheritResolversFromInterfaces: true },
    });
    expect((await query(bank, world, '{ letter { id secret } }')).codes).toEqual(['UNAUTHENTICATED']);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'secret' });
    const answer = await query(bank, world, '{ letter { secret } }', { certificate: client1, token });
    expect(answer.data).toEqual({ letter: { secret: 'secret' } });
  });

  test('RFC 9449, GQL-5: a DPoP proof is taken from the request, once for a batch, and a nonce is handed out', async () => {
    const as = await startAuthorizationServer(world);
    const bank = await startBank(world, [server, 'code-first'], {
      as,
      options: { dpop: { publicUrl: PUBLIC_URL, nonce: 'required' } },
    });
    const client = await TestDpopClient.create();
    const token = await as.accessToken({ dpop: client, scope: 'accounts:read' });
    const send = async (
      nonce?: string,
    ): Promise<{ readonly body: unknown; readonly nonce: string | undefined }> => {
      const proof = {
        method: 'POST',
        url: `${PUBLIC_URL}/graphql`,
        token,
        ...(nonce === undefined ? {} : { nonce }),
      };
      const response = await clientOf(bank.app, world)
        .post('/graphql')
        .set({ ...(await client.headers(proof)) })
        .send([{ query: '{ whoami accounts { id } }' }, { query: '{ whoami }' }]);
      return { body: response.body as unknown, nonce: response.headers['dpop-nonce'] };
    };
    const first = await send();
    expect(JSON.stringify(first.body)).toContain('"error":"use_dpop_nonce"');
    const second = await send(first.nonce);
    expect(JSON.stringify(second.body)).not.toContain('errors');
  });

  test('a demand that no client can meet stops the boot', async () => {
    @Resolver()
    class DpopResolver {
      @Query(() => String) @SenderConstrained('dpop') never(): string {
        return 'never';
      }
    }
    await expect(startBank(world, [server, 'code-first'], { providers: [DpopResolver] })).rejects.toThrow(
      /DpopResolver\.never \(function\): @SenderConstrained\('dpop'\)/,
    );
  });
});

describe('the status of a response with refused fields', () => {
  test('Apollo takes it from the refusal where it may', async () => {
    const graphql = { preserveHttpStatusForExecutionErrors: false };
    for (const server of ['apollo on express', 'apollo on fastify'] as const) {
      const bank = await startBank(world, [server, 'code-first'], { graphql });
      const token = await bank.as.accessToken({ certificate: client1 });
      expect((await query(bank, world, '{ whoami }')).status).toBe(401);
      expect((await query(bank, world, '{ accounts { id } }', { certificate: client1, token })).status).toBe(
        403,
      );
      expect((await query(bank, world, '{ perRequestOpen }')).status).toBe(200);
      await bank.as.stop();
      const fresh = await startBank(world, [server, 'code-first'], { graphql });
      await fresh.as.stop();
      expect(
        (
          await query(fresh, world, '{ whoami }', {
            certificate: client1,
            token: await fresh.as.accessToken({ certificate: client1 }),
          })
        ).status,
      ).toBe(503);
    }
  });

  test('GQL-2: mercurius takes it from the refusal where there is no data', async () => {
    const bank = await startBank(world, ['mercurius', 'code-first']);
    const answer = await query(bank, world, '{ strict }');
    expect([answer.status, answer.data, answer.codes]).toEqual([401, null, ['UNAUTHENTICATED']]);
  });
});

describe('a schema that mercurius is given later', () => {
  test('whatever an app defines at run time is held', async () => {
    const bank = await startBank(world, ['mercurius', 'schema-first']);
    const { graphql } = bank.app.getHttpAdapter().getInstance() as {
      readonly graphql: {
        extendSchema(text: string): void;
        defineResolvers(resolvers: object): void;
      };
    };
    graphql.extendSchema('extend type Query { later: String }');
    graphql.defineResolvers({ Query: { later: () => 'later' } });
    expect((await query(bank, world, '{ later }')).codes).toEqual(['UNAUTHENTICATED']);
    const token = await bank.as.accessToken({ certificate: client1 });
    expect((await query(bank, world, '{ later }', { certificate: client1, token })).data).toEqual({
      later: 'later',
    });
  });

  test('the compiled form of an operation is held as well', async () => {
    const bank = await startBank(world, ['mercurius', 'code-first'], { graphql: { jit: 1 } });
    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read' });
    for (const _ of [1, 2, 3, 4]) {
      expect((await query(bank, world, '{ accounts { id owner } }')).codes).toEqual(['UNAUTHENTICATED']);
      const answer = await query(bank, world, '{ accounts { id owner } }', { certificate: client1, token });
      expect(answer.errors).toEqual([]);
    }
  });
});
