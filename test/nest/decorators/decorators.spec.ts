import type { Type } from '@nestjs/common';
import { AnyScope, Public, Scopes, SenderConstrained } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { demandsOfClass, routePolicy, saidOfClass } from '../../../lib/nest/demands/route-policy.js';
import { rulesAmong, statementsOnClass, statementsOnMethod } from '../../../lib/nest/demands/statements.js';

interface Api {
  get(): void;
}

const handlerOf = ({ prototype }: Type<Api>): (() => unknown) =>
  Object.getOwnPropertyDescriptor(prototype, 'get')?.value as () => unknown;

/** What @nestjs/swagger would find. */
const securityOf = (controller: Type<Api>): unknown =>
  Reflect.getMetadata('swagger/apiSecurity', handlerOf(controller));

/** Somebody else's requirement, as @nestjs/swagger keeps it. */
const ApiKey = (): MethodDecorator => (_target, _name, descriptor) =>
  Reflect.defineMetadata('swagger/apiSecurity', [{ apiKey: [] }], descriptor.value as object);

describe('RFC6749-3.3: a text that cannot be a scope is refused where it is written', () => {
  test.each<readonly [unknown]>([
    ['a b'],
    [''],
    ['a"b'],
    ['a\\b'],
    ['a\nb'],
    ['é'],
    [7],
    [undefined],
    [['a']],
  ])('the decorators refuse the scope %j', (scope) => {
    const message = `${JSON.stringify(scope)} is not one scope (RFC 6749 §3.3): give several as several arguments, @Scopes('a', 'b')`;
    expect(() => Scopes(scope as string)).toThrow(new TypeError(message));
    expect(() => AnyScope('a', scope as string)).toThrow(new TypeError(message));
  });

  test('the decorators refuse an empty list of scopes, of which nobody could have any', () => {
    expect(() => (AnyScope as () => unknown)()).toThrow(
      new TypeError('@AnyScope() needs at least one scope: nobody could have any of none'),
    );
    expect(() => SenderConstrained('mtls' as never)).toThrow(
      new TypeError(`@SenderConstrained() needs 'certificate', 'dpop' or 'any'`),
    );
  });

  test.each(['a', 'payments:read', '!#[]^_`{|}~', 'https://api.example.com/x'])(
    'the decorators accept the scope %s',
    (scope) => {
      class Controller {
        @Scopes(scope) get(): void {}
      }
      expect(rulesAmong(statementsOnMethod(Controller.prototype, 'get'))).toEqual([
        { kind: 'all', scopes: [scope] },
      ]);
    },
  );
});

describe('what decorators say about a route', () => {
  test('a demand on a method is noted on its class, because another decorator may replace the function', () => {
    class Controller {
      @Public() open(): void {}
      @Scopes('a') scoped(): void {}
      @AnyScope('a') @SenderConstrained('dpop') both(): void {}
      plain(): void {}
    }
    const statements = ['open', 'scoped', 'both', 'plain'].map((name) =>
      statementsOnMethod(Controller.prototype, name).map(({ kind }) => kind),
    );
    expect(statements).toEqual([['public'], ['rule'], ['constraint', 'rule'], []]);
  });

  test('a demand on a class is not noted as one on a method', () => {
    @Public()
    @Scopes('a')
    @SenderConstrained('any')
    class Controller {}
    expect(statementsOnMethod(Controller.prototype, 'constructor')).toEqual([]);
    expect(statementsOnClass(Controller.prototype).map(({ kind }) => kind)).toEqual([
      'constraint',
      'rule',
      'public',
    ]);
  });

  test('all demands hold, and a method replaces the constraints of its class but adds to its scopes', () => {
    @Scopes('a')
    @SenderConstrained('any')
    class Controller {
      @Scopes('b') @SenderConstrained('dpop') @SenderConstrained('certificate') get(): void {}
    }
    expect(demandsOfClass(Controller).constraints).toEqual(['any']);
    expect(routePolicy(Controller, handlerOf(Controller))).toEqual({
      kind: 'protected',
      anonymous: false,
      rules: [
        { kind: 'all', scopes: ['a'] },
        { kind: 'all', scopes: ['b'] },
      ],
      constraints: ['certificate', 'dpop'],
      checks: [],
      guarded: true,
      demanded: true,
    });
  });

  test('the demands on a method and on its class are described for OpenAPI', () => {
    @Scopes('a')
    class Controller {
      @AnyScope('b', 'c') get(): void {}
    }
    expect(securityOf(Controller)).toEqual([
      { oauth2: ['a', 'b'], mutualTLS: [] },
      { oauth2: ['a', 'c'], mutualTLS: [] },
    ]);
    expect(Reflect.getMetadata('swagger/apiSecurity', Controller)).toBeUndefined();
    class Several {
      @Scopes('a', 'b') @ApiKey() get(): void {}
    }
    expect(securityOf(Several)).toEqual([{ apiKey: [] }, { oauth2: ['a', 'b'], mutualTLS: [] }]);
    class Constrained {
      @SenderConstrained('any') get(): void {}
    }
    expect(securityOf(Constrained)).toEqual([
      { oauth2: [], mutualTLS: [] },
      { oauth2: [], dpop: [] },
    ]);
    class Both {
      @SenderConstrained('dpop') @SenderConstrained('certificate') get(): void {}
    }
    expect(securityOf(Both)).toEqual([{ oauth2: [], mutualTLS: [], dpop: [] }]);
    @Scopes('a')
    class Open {
      @Public() get(): void {}
    }
    expect(securityOf(Open)).toBeUndefined();
  });
});

describe('INV1: what counts as public', () => {
  @Public()
  class Open {
    get(): void {}
  }

  test('a public class is public, and so is a class derived from it that says nothing', () => {
    class Derived extends Open {
      override get(): void {}
    }
    for (const controller of [Open, Derived]) {
      expect(routePolicy(controller, handlerOf(controller))).toMatchObject({ kind: 'public', by: 'class' });
      expect(saidOfClass(controller.prototype).isProtected).toBe(false);
    }
  });

  test('a public class that a rule is put on is no longer public, and neither are classes derived from it', () => {
    @Scopes('a')
    class Closed extends Open {
      override get(): void {}
    }
    class Derived extends Closed {
      override get(): void {}
    }
    for (const controller of [Closed, Derived]) {
      expect(routePolicy(controller, handlerOf(controller))).toMatchObject({ kind: 'protected' });
    }
    expect([Closed, Derived].map(({ prototype }) => saidOfClass(prototype).isProtected)).toEqual([
      true,
      false,
    ]);
  });

  test('a rule on a derived class protects it, although the guards come from its base class', () => {
    @Scopes('a')
    class Base {}
    @Scopes('b')
    class Scoped extends Base {}
    @SenderConstrained('dpop')
    class Constrained extends Base {}
    expect([Scoped, Constrained].map(({ prototype }) => saidOfClass(prototype).isProtected)).toEqual([
      true,
      true,
    ]);
  });
});
