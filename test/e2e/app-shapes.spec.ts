import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Scope,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  AccessToken,
  CertificateBindingGuard,
  Public,
  Scopes,
  ScopesGuard,
  SenderConstrained,
} from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { clientOf, createWorld, startApi, startAuthorizationServer, type World } from '../support/world.js';

/** As tracing and caching packages do: another function in the method's place. */
const Wrapped = (): MethodDecorator => (_target, _name, descriptor: PropertyDescriptor) => {
  const original = descriptor.value as (...args: unknown[]) => unknown;
  descriptor.value = function wrapper(this: unknown, ...args: unknown[]): unknown {
    return original.apply(this, args);
  };
  for (const key of Reflect.getMetadataKeys(original) as string[]) {
    if (key === 'path' || key === 'method')
      Reflect.defineMetadata(key, Reflect.getMetadata(key, original), descriptor.value);
  }
};

/** As @toss/nestjs-aop does: a function whose prototype is the original. */
const Derived = (): MethodDecorator => (_target, _name, descriptor: PropertyDescriptor) => {
  const original = descriptor.value as (...args: unknown[]) => unknown;
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    return original.apply(this, args);
  };
  descriptor.value = Object.setPrototypeOf(wrapper, original);
};

/** As packages that count instances do: a proxy in the class's place. */
const Proxied = (): ClassDecorator => (target) => new Proxy(target, {});

/** Another class in the class's place. */
const Extended = (): ClassDecorator => (target) =>
  class extends (target as unknown as new (...args: unknown[]) => object) {} as never;

@Controller('wrapped')
@Public()
class WrappedController {
  @Get('above') @Wrapped() @Scopes('pay') above(): string {
    return 'in';
  }
  @Get('derived') @Derived() @Scopes('pay') derived(): string {
    return 'in';
  }
  @Get('below') @Scopes('pay') @Wrapped() below(): string {
    return 'in';
  }
  @Get('constrained') @Derived() @SenderConstrained('certificate') @Scopes('pay') constrained(): string {
    return 'in';
  }
  @Get('open') @Wrapped() open(): string {
    return 'open';
  }
}

@Controller('bound')
class BoundController {
  constructor() {
    this.pay = this.pay.bind(this);
    this.arrow = (): string => 'in';
    this.open = this.open.bind(this);
  }
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
  @Get('arrow') @Scopes('pay') arrow(): string {
    return 'never';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}

/** One function in the place of a method that is open and of one that is not: which of them runs cannot be told. */
@Controller('shared')
class SharedFunctionController {
  constructor() {
    const open = this.open.bind(this);
    this.open = open;
    this.pay = open;
  }
  @Get('open') @Public() open(): string {
    return 'in';
  }
  @Get('pay') @Scopes('pay') pay(): string {
    return 'never';
  }
}

@Controller({ path: 'per-request', scope: Scope.REQUEST })
class PerRequestController {
  constructor() {
    this.pay = this.pay.bind(this);
    this.arrow = (): string => 'in';
    this.open = this.open.bind(this);
  }
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
  @Get('arrow') @Scopes('pay') arrow(): string {
    return 'never';
  }
  /** Which method a bound function of an instance like this stands for is not certain: it is not opened. */
  @Get('open') @Public() open(): string {
    return 'in';
  }
}

/** A bound function of the open method in the place of one that nothing but the global guard protects. */
@Controller({ path: 'per-request-shared', scope: Scope.REQUEST })
class PerRequestSharedController {
  constructor() {
    this.pay = this.open.bind(this);
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
  @Get('pay') pay(): string {
    return 'never';
  }
}

abstract class Inherited {
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}
@Controller('inherited')
class InheritingController extends Inherited {}

@Controller('proxied')
@Proxied()
@Scopes('pay')
class BelowProxyController {
  @Get('pay') pay(): string {
    return 'in';
  }
}
@Controller('proxied-above')
@Scopes('pay')
@Proxied()
class AboveProxyController {
  @Get('pay') pay(): string {
    return 'in';
  }
}
@Controller('extended')
@Extended()
@Scopes('pay')
class ExtendedController {
  @Get('pay') pay(): string {
    return 'in';
  }
}

/** What a class has, copied into another one: as the mixins of the TypeScript handbook do it, `constructor` and all. */
function mix(into: Type, from: Type, names = Object.getOwnPropertyNames(from.prototype)): void {
  for (const name of names) {
    const descriptor = Object.getOwnPropertyDescriptor(from.prototype, name);
    if (descriptor !== undefined) Object.defineProperty(into.prototype, name, descriptor);
  }
}

class Mixin {
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
  @Get('constrained') @SenderConstrained('certificate') @Derived() @Scopes('pay') constrained(): string {
    return 'in';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}
@Controller('mixed')
class MixedController {}
mix(MixedController, Mixin, ['pay', 'constrained', 'open']);
@Controller('mixed-public')
@Public()
class MixedPublicController {}
mix(MixedPublicController, Mixin, ['pay', 'constrained']);

/** It brings a `constructor`, by which Nest then tells the class of the controller. */
@Public()
class PlainMixin {
  @Get('pay') pay(): string {
    return 'in';
  }
}
@Controller('mixed-whole')
@Scopes('pay')
class WhollyMixedController {}
mix(WhollyMixedController, PlainMixin);

/** A method of a base class that is decorated for a class below it. */
class Undecorated {
  @Get('pay') pay(): string {
    return 'in';
  }
}
@Controller('decorated-below')
class DecoratedBelowController extends Undecorated {}
Reflect.decorate(
  [Scopes('pay')],
  DecoratedBelowController.prototype,
  'pay',
  Object.getOwnPropertyDescriptor(Undecorated.prototype, 'pay') as object,
);

/** A class of its own in the class's place, with all that the other has. */
const Copied = (): ClassDecorator => (target) => {
  class Copy {}
  const original = target as unknown as Type;
  mix(
    Copy,
    original,
    Object.getOwnPropertyNames(original.prototype).filter((name) => name !== 'constructor'),
  );
  for (const key of Reflect.getOwnMetadataKeys(target) as string[])
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, target), Copy);
  return Copy as never;
};
@Controller('copied')
@Copied()
@Scopes('pay')
class CopiedController {
  @Get('pay') pay(): string {
    return 'in';
  }
}

/** The guard on the class sees to the token alone, and that of the decorator is on the method that was replaced. */
@Controller('bound-binding')
@UseGuards(CertificateBindingGuard)
class BoundBelowBindingGuardController {
  constructor() {
    this.pay = this.pay.bind(this);
  }
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
}
@Controller('bound-passport')
@UseGuards(AuthGuard('cert-bound'))
class BoundBelowAuthGuardController {
  constructor() {
    this.pay = this.pay.bind(this);
  }
  @Get('pay') @SenderConstrained('certificate') @Scopes('pay') pay(): string {
    return 'in';
  }
}

/** Nothing but guards, which are on the methods and the class that were replaced. */
@Controller('guards-lost')
class LostGuardsController {
  constructor() {
    this.binding = this.binding.bind(this);
    this.scopes = this.scopes.bind(this);
    this.passport = this.passport.bind(this);
  }
  @Get('binding') @UseGuards(CertificateBindingGuard) binding(): string {
    return 'in';
  }
  @Get('scopes') @UseGuards(ScopesGuard) scopes(): string {
    return 'in';
  }
  @Get('passport') @UseGuards(AuthGuard('cert-bound')) passport(): string {
    return 'in';
  }
}
@Controller('guards-above')
@UseGuards(CertificateBindingGuard)
@Proxied()
class GuardAboveProxyController {
  @Get('pay') pay(): string {
    return 'in';
  }
}

/** As packages do that look at each call: a proxy around the instance, in which every function is another one. */
const observed = <Instance extends object>(
  instance: Instance,
  rename = new Map<unknown, unknown>(),
): Instance =>
  new Proxy(instance, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return rename.get(value) ?? ((...args: unknown[]): unknown => Reflect.apply(value, target, args));
    },
  });

/** It names the same function as its class each time, but one that no decorator was put on. */
@Controller('observed')
@Scopes('pay')
class ObservedController {
  constructor() {
    return observed(
      this,
      new Map<unknown, unknown>([[ObservedController, ObservedController.bind(undefined)]]),
    );
  }
  @Get('pay') pay(): string {
    return 'in';
  }
}

@Controller('hidden')
class HiddenController {
  constructor() {
    return observed(this);
  }
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
}

@Controller({ path: 'hidden-per-request', scope: Scope.REQUEST })
class HiddenPerRequestController {
  constructor() {
    return observed(this);
  }
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
}

const SHAPES: readonly Type[] = [
  ObservedController,
  MixedController,
  MixedPublicController,
  WhollyMixedController,
  DecoratedBelowController,
  CopiedController,
  BoundBelowBindingGuardController,
  BoundBelowAuthGuardController,
  LostGuardsController,
  GuardAboveProxyController,
  WrappedController,
  BoundController,
  SharedFunctionController,
  PerRequestController,
  PerRequestSharedController,
  InheritingController,
  BelowProxyController,
  AboveProxyController,
  ExtendedController,
];

const PROTECTED = [
  'observed/pay',
  'mixed/pay',
  'mixed/constrained',
  'mixed-public/pay',
  'mixed-public/constrained',
  'mixed-whole/pay',
  'decorated-below/pay',
  'copied/pay',
  'bound-binding/pay',
  'bound-passport/pay',
  'wrapped/above',
  'wrapped/derived',
  'wrapped/below',
  'wrapped/constrained',
  'bound/pay',
  'bound/arrow',
  'shared/open',
  'shared/pay',
  'per-request/pay',
  'per-request/arrow',
  'inherited/pay',
  'proxied/pay',
  'proxied-above/pay',
  'extended/pay',
];

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

describe.each(PLATFORMS)('app shapes on %s', (platform) => {
  describe.each([true, false])('an app with globalGuards: %s', (globalGuards) => {
    test('INV1: a route keeps its demands, whatever function or class stands in the place of its own', async () => {
      const as = await startAuthorizationServer(world);
      const app = await startApi(world, platform, as, SHAPES, { globalGuards });
      const certificate = world.client1;
      const pay = await as.accessToken({ certificate, scope: 'pay' });
      const other = await as.accessToken({ certificate, scope: 'read' });
      for (const path of PROTECTED) {
        const answers = [
          (await clientOf(app, world).get(`/${path}`)).status,
          (await clientOf(app, world, world.client2, pay).get(`/${path}`)).status,
          (await clientOf(app, world, certificate, other).get(`/${path}`)).status,
          (await clientOf(app, world, certificate, pay).get(`/${path}`)).status,
        ];
        expect(answers, path).toEqual([401, 401, 403, 200]);
      }
    });

    test('INV1: a route whose guards are lost with the method or the class that they were on needs a token', async () => {
      const as = await startAuthorizationServer(world);
      const app = await startApi(world, platform, as, SHAPES, { globalGuards });
      const token = await as.accessToken({ certificate: world.client1 });
      const paths = ['guards-lost/binding', 'guards-lost/scopes', 'guards-lost/passport', 'guards-above/pay'];
      for (const path of paths) {
        const answers = [
          (await clientOf(app, world).get(`/${path}`)).status,
          (await clientOf(app, world, world.client2, token).get(`/${path}`)).status,
          (await clientOf(app, world, world.client1, token).get(`/${path}`)).status,
        ];
        expect(answers, path).toEqual([401, 401, 200]);
      }
    });

    test('a route that is public stays so in the place of another function', async () => {
      const as = await startAuthorizationServer(world);
      const app = await startApi(world, platform, as, SHAPES, { globalGuards });
      for (const path of ['wrapped/open', 'bound/open', 'inherited/open', 'mixed/open']) {
        await clientOf(app, world).get(`/${path}`).expect(200, 'open');
      }
    });

    test('INV1: a function of a request-scoped controller opens nothing by its name alone', async () => {
      const as = await startAuthorizationServer(world);
      const app = await startApi(world, platform, as, SHAPES, { globalGuards: true });
      await clientOf(app, world).get('/per-request/open').expect(401);
      await clientOf(app, world).get('/per-request-shared/pay').expect(401);
      await clientOf(app, world).get('/per-request-shared/open').expect(200, 'open');
    });
  });

  test.each([true, false])(
    'INV12: a controller whose instance is a proxy that hides its class lets nobody in (globalGuards: %s)',
    async (globalGuards) => {
      const as = await startAuthorizationServer(world);
      await expect(startApi(world, platform, as, [HiddenController], { globalGuards })).rejects.toThrow(
        /HiddenController.*hides the class/s,
      );
      const app = await startApi(world, platform, as, [HiddenPerRequestController], { globalGuards });
      const pay = await as.accessToken({ certificate: world.client1, scope: 'pay' });
      await clientOf(app, world).get('/hidden-per-request/pay').expect(401);
      await clientOf(app, world, world.client1, pay).get('/hidden-per-request/pay').expect(401);
    },
  );

  test('INV1: a class keeps its demands in an app that begins after one with another class of the same mixin', async () => {
    class SharedMixin {
      @Get('pay') pay(): string {
        return 'in';
      }
    }
    @Controller('earlier')
    class EarlierController {}
    mix(EarlierController, SharedMixin);
    @Controller('later')
    @Scopes('pay')
    class LaterController {}
    mix(LaterController, SharedMixin);

    const as = await startAuthorizationServer(world);
    const client = world.client1;
    const other = await as.accessToken({ certificate: client, scope: 'read' });
    const earlier = await startApi(world, platform, as, [EarlierController]);
    await clientOf(earlier, world, client, other).get('/earlier/pay').expect(200);
    const later = await startApi(world, platform, as, [LaterController]);
    await clientOf(later, world, client, other).get('/later/pay').expect(403);
    const pay = await as.accessToken({ certificate: client, scope: 'pay' });
    await clientOf(later, world, client, pay).get('/later/pay').expect(200);
  });

  /** Guards that the app calls itself, from one of its own. */
  @Injectable()
  class BindingCaller implements CanActivate {
    constructor(@Inject(CertificateBindingGuard) private readonly guard: CertificateBindingGuard) {}
    canActivate(context: ExecutionContext): boolean | Promise<boolean> {
      return this.guard.canActivate(context);
    }
  }
  @Injectable()
  class ScopesCaller implements CanActivate {
    constructor(@Inject(ScopesGuard) private readonly guard: ScopesGuard) {}
    canActivate(context: ExecutionContext): boolean | Promise<boolean> {
      return this.guard.canActivate(context);
    }
  }
  class PassportCaller implements CanActivate {
    private readonly guard = new (AuthGuard('cert-bound'))();
    async canActivate(context: ExecutionContext): Promise<boolean> {
      return (await this.guard.canActivate(context)) === true;
    }
  }

  test.each([true, false])(
    'INV1: a guard that the app calls itself protects under @Public() on the class (globalGuards: %s)',
    async (globalGuards) => {
      @Controller('called')
      @Public()
      class CallingController {
        @Get('binding') @UseGuards(BindingCaller) binding(@AccessToken() token: unknown): string {
          return typeof token;
        }
        @Get('scopes') @UseGuards(ScopesCaller) scopes(): string {
          return 'in';
        }
        @Get('passport') @UseGuards(PassportCaller) passport(): string {
          return 'in';
        }
        @Get('open') open(): string {
          return 'open';
        }
        @Get('opened') @Public() @UseGuards(BindingCaller, ScopesCaller, PassportCaller) opened(): string {
          return 'open';
        }
      }
      const as = await startAuthorizationServer(world);
      const app = await startApi(world, platform, as, [CallingController], { globalGuards });
      const token = await as.accessToken({ certificate: world.client1 });
      for (const path of ['binding', 'scopes', 'passport']) {
        await clientOf(app, world).get(`/called/${path}`).expect(401);
        await clientOf(app, world, world.client2, token).get(`/called/${path}`).expect(401);
        await clientOf(app, world, world.client1, token).get(`/called/${path}`).expect(200);
      }
      await clientOf(app, world, world.client1, token).get('/called/binding').expect(200, 'object');
      await clientOf(app, world).get('/called/open').expect(200, 'open');
      await clientOf(app, world).get('/called/opened').expect(200, 'open');
    },
  );
});
