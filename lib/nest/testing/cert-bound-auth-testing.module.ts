import type { DynamicModule } from '@nestjs/common';
import type { ResolvedOptions } from '../../options/resolve-options.js';
import { ResourceServer } from '../../resource-server.js';
import { CertBoundAuthModule } from '../cert-bound-auth.module.js';
import { RESOLVED_OPTIONS } from '../cert-bound-auth.module-definition.js';
import type { StandInToken } from './stand-in-token.js';
import { StandInResourceServer } from './stand-in-resource-server.js';
import { checkUnderTest } from './under-test.js';

/** Makes the stand-in, for `overrideProvider().useFactory()`. */
export interface StandInFactory {
  readonly factory: (options: ResolvedOptions) => ResourceServer;
  readonly inject: symbol[];
}

/**
 * For specs without TLS, certificates and tokens: every request is taken for one by somebody who is given. What routes demand
 * is checked against that, by the same guards as in production; nothing else is checked. It works under a test runner only.
 */
// oxlint-disable-next-line typescript/no-extraneous-class -- named and used like the module that it stands for
export abstract class CertBoundAuthTestingModule {
  /**
   * The provider to override in a whole app. To replace any other provider of this package stops the boot.
   * @example
   * ```ts
   * import { Module } from '@nestjs/common';
   * import { Test, type TestingModule } from '@nestjs/testing';
   * import { CertBoundAuthTestingModule } from 'nestjs-cert-bound-auth/testing';
   *
   * @Module({})
   * class AppModule {}
   *
   * export const compileAppAsAlice = (): Promise<TestingModule> =>
   *   Test.createTestingModule({ imports: [AppModule] })
   *     .overrideProvider(CertBoundAuthTestingModule.provider)
   *     .useFactory(CertBoundAuthTestingModule.standIn({ subject: 'alice', scopes: ['payments:read'] }))
   *     .compile();
   * ```
   */
  static readonly provider: unknown = ResourceServer;

  /**
   * Stands in the place of `CertBoundAuthModule`, in a spec that has no app around its controllers.
   * @param who the caller of every request; `'nobody'`: one who sends no credentials
   * @throws Error outside of a test runner
   * @example
   * ```ts
   * import { Test, type TestingModule } from '@nestjs/testing';
   * import { CertBoundAuthTestingModule } from 'nestjs-cert-bound-auth/testing';
   *
   * export const compileAsAlice = (): Promise<TestingModule> =>
   *   Test.createTestingModule({
   *     imports: [CertBoundAuthTestingModule.as({ subject: 'alice', scopes: ['payments:read'] })],
   *   }).compile();
   * ```
   */
  static as(who: StandInToken | 'nobody'): DynamicModule {
    checkUnderTest('CertBoundAuthTestingModule');
    const auth = CertBoundAuthModule.forRoot({
      audience: 'https://api.example.com',
      authorizationServers: [{ issuer: 'https://as.example.com' }],
    });
    const { factory: useFactory, inject } = CertBoundAuthTestingModule.standIn(who);
    const provided = { provide: ResourceServer, useFactory, inject };
    return { ...auth, providers: [...(auth.providers ?? []), provided] };
  }

  /** Makes the stand-in for {@link CertBoundAuthTestingModule.provider}. @param who as for `as()` */
  static standIn(who: StandInToken | 'nobody'): StandInFactory {
    return { factory: (options) => new StandInResourceServer(options, who), inject: [RESOLVED_OPTIONS] };
  }
}
