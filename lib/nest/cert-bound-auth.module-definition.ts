import { ConfigurableModuleBuilder, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { DemandGuard, RouteGuard } from './guards/route.guard.js';
import type { CertBoundAuthExtras, CertBoundAuthOptions } from '../cert-bound-auth.options.js';

/** The options, checked and with every default. */
export const RESOLVED_OPTIONS = Symbol('resolved options');

/** Whether all of the app is protected that is not public. */
export const PROTECTS_ALL = Symbol('protects all');

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
  return [
    { provide: PROTECTS_ALL, useValue: protectEverything },
    { provide: APP_GUARD, useClass: protectEverything ? RouteGuard : DemandGuard },
  ];
}
