/**
 * What Nest's guide to GraphQL begins with, and its sample 23-graphql-code-first: recipes, with a service, arguments that are
 * validated, mutations and a subscription. It is written anew here, with the same names and shapes; the module is the only thing
 * that is added.
 * @see https://docs.nestjs.com/graphql/resolvers
 */
import { Inject, Injectable, NotFoundException, ValidationPipe } from '@nestjs/common';
import {
  Args,
  ArgsType,
  Field,
  GraphQLModule,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { Max, MaxLength, Min } from 'class-validator';
import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { EventEmitter, on } from 'node:events';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { startApp } from '../../support/platforms.js';
import { clientOf, createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';
import { type Answer, graphqlOptions, platformOf, type ServerOfGraphQL } from '../graphql/bank.js';
import { connectTo, subscribeTo } from '../graphql/subscriber.js';

const ran: string[] = [];
beforeEach(() => {
  ran.length = 0;
});

@ObjectType({ description: 'recipe' })
class Recipe {
  @Field(() => ID) id!: string;
  @Field(() => String) title!: string;
}

@InputType()
class NewRecipeInput {
  @Field(() => String) @MaxLength(30) title!: string;
}

@ArgsType()
class RecipesArgs {
  @Field(() => Int) @Min(0) skip = 0;
  @Field(() => Int) @Min(1) @Max(50) take = 25;
}

@Injectable()
class RecipesService {
  readonly added = new EventEmitter();
  private readonly recipes: Recipe[] = [{ id: '1', title: 'Bread' }];

  create({ title }: NewRecipeInput): Recipe {
    const recipe = { id: String(this.recipes.length + 1), title };
    this.recipes.push(recipe);
    return recipe;
  }

  findOneById(id: string): Recipe | undefined {
    return this.recipes.find((recipe) => recipe.id === id);
  }

  findAll({ skip, take }: RecipesArgs): readonly Recipe[] {
    return this.recipes.slice(skip, skip + take);
  }
}

@Resolver(() => Recipe)
class RecipesResolver {
  constructor(@Inject(RecipesService) private readonly service: RecipesService) {}

  @Query(() => Recipe) async recipe(@Args('id', { type: () => String }) id: string): Promise<Recipe> {
    ran.push('recipe');
    const recipe = this.service.findOneById(id);
    if (recipe === undefined) throw new NotFoundException(id);
    return recipe;
  }

  @Query(() => [Recipe]) async recipes(@Args() args: RecipesArgs): Promise<readonly Recipe[]> {
    ran.push('recipes');
    return this.service.findAll(args);
  }

  @Mutation(() => Recipe) async addRecipe(
    @Args('newRecipeData') newRecipeData: NewRecipeInput,
  ): Promise<Recipe> {
    ran.push('addRecipe');
    const recipe = this.service.create(newRecipeData);
    this.service.added.emit('recipe', recipe);
    return recipe;
  }

  @Subscription(() => Recipe) async *recipeAdded(): AsyncIterable<object> {
    ran.push('recipeAdded');
    for await (const [recipe] of on(this.service.added, 'recipe')) yield { recipeAdded: recipe as Recipe };
  }
}

const world = await createWorld();
const SERVERS: readonly ServerOfGraphQL[] = ['apollo on express', 'mercurius'];
const SUBSCRIPTION = 'subscription { recipeAdded { title } }';

describe.each(SERVERS)('the quick start of GraphQL with the module added, by %s', (server) => {
  async function start() {
    const as = await startAuthorizationServer(world);
    class AppModule {}
    const module = {
      module: AppModule,
      imports: [
        CertBoundAuthModule.forRoot(as.moduleOptions),
        GraphQLModule.forRoot(graphqlOptions(server, 'code-first') as never),
      ],
      providers: [RecipesResolver, RecipesService],
    };
    const app = await startApp(platformOf(server), module, tlsOf(world), {
      configure: (made) => made.useGlobalPipes(new ValidationPipe()),
    });
    whenOver(async () => app.close());
    const send = async (query: string, certificate: TestCertificate, token?: string) =>
      clientOf(app, world, certificate)
        .post('/graphql')
        .set(token === undefined ? {} : { Authorization: `Bearer ${token}` })
        .send({ query });
    const { port } = app.getHttpServer().address() as { readonly port: number };
    const token = await as.accessToken({ certificate: world.client1 });
    return { token, send, endpoint: { app, as, endpoint: `127.0.0.1:${port}/graphql` } };
  }

  test('nothing of the recipes sample runs without a token, or with that of somebody else', async () => {
    const { token, send, endpoint } = await start();
    const operations = [
      '{ recipe(id: "1") { id title } }',
      '{ recipes { id } }',
      'mutation { addRecipe(newRecipeData: { title: "Soup" }) { id } }',
    ];
    for (const query of operations) {
      expect((await send(query, world.client1)).status).toBe(401);
      expect((await send(query, world.client2, token)).status).toBe(401);
    }
    const subscribers = [
      connectTo(endpoint, world, { certificate: world.client1 }),
      connectTo(endpoint, world, { certificate: world.client2, token }),
    ].map((client) => subscribeTo(client, SUBSCRIPTION));
    for (const subscribed of subscribers) {
      await vi.waitFor(() => expect(subscribed.isOver).toBe(true), 5000);
      expect(subscribed.results.filter(({ data }) => data)).toEqual([]);
    }
    expect(ran).toEqual([]);
  });

  test('the recipes sample works as the guide says for the holder of the token', async () => {
    const { token, send, endpoint } = await start();
    const ask = async (query: string): Promise<Answer> =>
      (await send(query, world.client1, token)).body as Answer;
    const subscribed = subscribeTo(
      connectTo(endpoint, world, { certificate: world.client1, token }),
      SUBSCRIPTION,
    );
    await vi.waitFor(() => expect(ran).toEqual(['recipeAdded']), 5000);
    expect((await ask('{ recipe(id: "1") { id title } }')).data).toEqual({
      recipe: { id: '1', title: 'Bread' },
    });
    const add = 'mutation { addRecipe(newRecipeData: { title: "Soup" }) { id } }';
    expect((await ask(add)).data).toEqual({ addRecipe: { id: '2' } });
    expect((await ask('{ recipes(skip: 1) { title } }')).data).toEqual({ recipes: [{ title: 'Soup' }] });
    await vi.waitFor(
      () => expect(subscribed.results.map(({ data }) => data)).toEqual([{ recipeAdded: { title: 'Soup' } }]),
      5000,
    );
    subscribed.stop();
    // What the sample itself refuses is still its own refusal.
    expect((await ask('{ recipe(id: "9") { id } }')).errors[0]?.message).toContain('9');
    expect((await ask('{ recipes(take: 99) { id } }')).errors).toHaveLength(1);
    expect(ran).toEqual(['recipeAdded', 'recipe', 'addRecipe', 'recipes', 'recipe']);
  });
});
