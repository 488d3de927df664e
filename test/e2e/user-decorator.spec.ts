import { Controller, Get, ParseIntPipe, Req } from '@nestjs/common';
import {
  AllowAnonymous,
  type AuthenticatedRequest,
  createUserDecorator,
  Public,
  type UserOf,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { clientOf, createWorld } from '../support/world.js';

async function validate({ subject, clientId }: VerifiedAccessToken) {
  return { id: String(subject), through: clientId, age: '42' };
}

type Customer = UserOf<typeof validate>;
const CurrentCustomer = createUserDecorator<Customer>();

@Controller()
class CustomersController {
  @Get() whole(@CurrentCustomer() customer: Customer): Customer {
    return customer;
  }
  @Get('member') member(@CurrentCustomer('id') id: string): string {
    return id;
  }
  @Get('piped') piped(@CurrentCustomer('age', ParseIntPipe) age: number): { readonly age: number } {
    return { age };
  }
  @Get('request') request(@Req() { user }: AuthenticatedRequest<Customer>): string {
    return user.id;
  }
  @Get('open') @Public() open(@CurrentCustomer() customer?: Customer): string {
    return typeof customer;
  }
  @Get('anonymous') @AllowAnonymous() anonymous(@CurrentCustomer('id') id?: string): string {
    return typeof id;
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('the user that validate makes on %s', (platform) => {
  test('a decorator gives it to handlers, whole or by a member, through pipes', async () => {
    const { app, as } = await startProtectedApi(world, platform, [CustomersController], {
      options: { validate },
    });
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice', clientId: 'shop' });
    const api = clientOf(app, world, world.client1, token);
    expect((await api.get('/').expect(200)).body).toEqual({ id: 'alice', through: 'shop', age: '42' });
    expect((await api.get('/member').expect(200)).text).toBe('alice');
    expect((await api.get('/piped').expect(200)).body).toEqual({ age: 42 });
    expect((await api.get('/request').expect(200)).text).toBe('alice');
  });

  test('there is none on a public route, and for a caller without credentials', async () => {
    const { app } = await startProtectedApi(world, platform, [CustomersController], {
      options: { validate },
    });
    expect((await clientOf(app, world).get('/open').expect(200)).text).toBe('undefined');
    expect((await clientOf(app, world).get('/anonymous').expect(200)).text).toBe('undefined');
  });
});

test('a name that the user has not is refused by the compiler', () => {
  expectTypeOf<Parameters<typeof CurrentCustomer>>().not.toEqualTypeOf<[member: 'nobody']>();
  // @ts-expect-error: there is no such member
  CurrentCustomer('nobody');
  expectTypeOf<Customer['id']>().toBeString();
});
