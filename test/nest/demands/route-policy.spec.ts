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
    ['an instance of one', new CertificateBindingGuard(authenticator)],
    ['a class derived from one', SubGuard],
    ['an instance of that', new SubGuard(authenticator)],
  ])('INV1: %s of ours on a method protects it, though its class is public', (_, guard) => {
    @Public()
    class Controller {
      @UseGuards(guard) get(): void {}
    }
    expect(routePolicy(Controller, handlerOf(Controller))).toEqual({
      kind: 'protected',
      rules: [],
      constraints: [],
      guarded: true,
      demanded: false,
    });
  });

  test.each([
    ['a guard', ForeignGuard],
    ['an instance of one', new ForeignGuard()],
    ['what looks like one', { canActivate: () => true }],
  ])('INV1: %s of anybody else on a method does not protect it when its class is public', (_, guard) => {
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
