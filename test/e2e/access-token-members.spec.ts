import { Controller, Get, ParseUUIDPipe } from '@nestjs/common';
import { AccessToken, Public, Scopes } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';

@Controller()
class MembersController {
  @Get('subject') subject(@AccessToken('subject') subject: string): object {
    return { subject };
  }
  @Get('scopes') @Scopes('a') scopes(@AccessToken('scopes') scopes: ReadonlySet<string>): readonly string[] {
    return [...scopes];
  }
  @Get('both') both(
    @AccessToken('clientId') client: string,
    @AccessToken() token: { clientId: string },
  ): object {
    return { client, same: token.clientId === client };
  }
  @Get('raw') raw(@AccessToken('raw') raw?: string): object {
    return { raw: typeof raw };
  }
  @Get('piped') piped(@AccessToken('subject', ParseUUIDPipe) subject: string): string {
    return subject;
  }
  @Get('public') @Public() open(@AccessToken('subject') subject?: string): object {
    return { subject: typeof subject };
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('@AccessToken() with the name of a member, on %s', (platform) => {
  test('a handler gets the member that it names, through its pipes, and undefined where there is no token', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [MembersController]);
    const token = await as.accessToken({ certificate: world.client1, scope: 'a b', subject: 'alice' });
    const client = clientOf(app, world, world.client1, token);
    await client.get('/subject').expect(200, { subject: 'alice' });
    await client.get('/scopes').expect(200, ['a', 'b']);
    await client.get('/both').expect(200, { client: 'client-1', same: true });
    await client.get('/raw').expect(200, { raw: 'undefined' });
    await client.get('/piped').expect(400);
    await clientOf(app, world).get('/public').expect(200, { subject: 'undefined' });
    await clientOf(app, world, world.client2, token).get('/subject').expect(401);
  });
});

test('a name that is no member does not compile, and is refused where it is written', () => {
  // @ts-expect-error -- no member of a token
  expect(() => AccessToken('scp')).toThrow(
    "@AccessToken('scp'): a token has issuer, subject, clientId, audience",
  );
  // @ts-expect-error -- inherited by every object
  expect(() => AccessToken('toString')).toThrow(TypeError);
});
