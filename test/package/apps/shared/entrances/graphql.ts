import { ApolloDriver } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { AccessToken } from 'nestjs-cert-bound-auth';
import { answerFor, type Caller, type Row } from './row.js';
import { type Adapter, portOf, startApp } from './start.js';

@Resolver()
class HelloResolver {
  @Query(() => String) hello(@AccessToken('clientId') client: string): string {
    return answerFor(client);
  }
}

/** Apollo on Express, mercurius on Fastify. */
export function graphqlOn(adapter: Adapter): Row {
  return {
    async start(world) {
      const driver = adapter === 'express' ? ApolloDriver : MercuriusDriver;
      const graphql = GraphQLModule.forRoot({ driver: driver as never, autoSchemaFile: true });
      const app = await startApp(adapter, world, { imports: [graphql], providers: [HelloResolver] });
      return { call: async (caller) => query(portOf(app), caller), close: async () => app.close() };
    },
  };
}

async function query(port: number, { ca, certificate: { key, cert }, token }: Caller): Promise<unknown> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...authorization };
    const target = { host: '127.0.0.1', port, path: '/graphql', method: 'POST' };
    request({ ...target, ca, key, cert, headers }, (response) => {
      text(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject);
    })
      .on('error', reject)
      .end(JSON.stringify({ query: '{ hello }' }));
  });
  return status === 200 ? (JSON.parse(body) as { data: { hello: unknown } }).data.hello : status;
}
