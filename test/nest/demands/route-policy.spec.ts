import { type CanActivate, type Type, UseGuards } from '@nestjs/common';
import { CertificateBindingGuard, Public, Scopes, ScopesGuard } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { routePolicy } from '../../../lib/nest/demands/route-policy.js';

class SubGuard extends ScopesGuard {}
class ForeignGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

const handlerOf = ({ prototype }: Type<{ get: () => void }>): (() => unknown) =>
  Object.getOwnPropertyDescriptor(prototype, 'get')?.value as () => unknown;

describe('INV1: a guard of ours on a method protects it, though its class is public', () => {
  const authenticator = {} as ConstructorParameters<typeof ScopesGuard>[0];

  test.each([
    ['a guard', CertificateBindingGuard],
    ['an instance of a guard', new CertificateBindingGuard(authenticator)],
    ['a class derived from a guard', SubGuard],
    ['an instance of a derived class', new SubGuard(authenticator)],
  ])('a method is protected by %s of ours', (_, guard) => {
    @Public()
    class Controller {
      @UseGuards(guard) get(): void {}
    }
    expect(routePolicy(Controller, handlerOf(Controller))).toEqual({
      kind: 'protected',
      anonymous: false,
      rules: [],
      constraints: [],
      checks: [],
      guarded: true,
      demanded: true,
    });
  });

  test.each([
    ['a guard', ForeignGuard],
    ['an instance of a guard', new ForeignGuard()],
    ['an object that looks like a guard', { canActivate: () => true }],
  ])('a method is not protected by %s of anybody else', (_, guard) => {
    @Public()
    class Controller {
      @UseGuards(guard) get(): void {}
    }
    expect(routePolicy(Controller, handlerOf(Controller))).toMatchObject({ kind: 'public', by: 'class' });
  });
});

test('a class may hold more than methods', () => {
  class Controller {
    get(): void {}
    get limit(): number {
      throw new Error('no getter is called');
    }
  }
  Object.defineProperty(Controller.prototype, 'size', { value: 7 });
  expect(() => Scopes('a')(Controller)).not.toThrow();
  expect(routePolicy(Controller, handlerOf(Controller))).toMatchObject({
    rules: [{ kind: 'all', scopes: ['a'] }],
  });
});
