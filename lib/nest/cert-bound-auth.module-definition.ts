import { ConfigurableModuleBuilder, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { DemandGuard, RouteGuard } from './guards/route.guard.js';
import type { CertBoundAuthExtras, CertBoundAuthOptions } from '../cert-bound-auth.options.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<CertBoundAuthOptions>({ moduleName: 'CertBoundAuth' })
    .setClassMethodName('forRoot')
    .setExtras<CertBoundAuthExtras>({ globalGuards: true }, (definition, { globalGuards }) => ({
      ...definition,
      global: true,
      // Only a plain `false` opens the app: `undefined`, as from a missing setting, does not.
      providers: [...(definition.providers ?? []), ...globalGuardProviders(globalGuards !== false)],
    }))
    .build();

function globalGuardProviders(protectEverything: boolean): readonly Provider[] {
  return protectEverything
    ? [{ provide: APP_GUARD, useClass: RouteGuard }]
    : [{ provide: APP_GUARD, useClass: DemandGuard }];
}
