import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ForwardAuth } from './forward-auth.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  FORWARD_AUTH_OPTIONS,
  type OPTIONS_TYPE,
} from './forward-auth.module-definition.js';
import type { ForwardAuthOptions } from './forward-auth.options.js';
import { resolveForwardAuth } from './resolve-forward-auth.js';

/**
 * Makes an app what a proxy asks whether it may let a request pass: nginx's `auth_request`, Traefik's ForwardAuth,
 * Caddy's `forward_auth`, Envoy's ext_authz by HTTP. It stands beside {@link CertBoundAuthModule} or alone.
 */
@Module({
  providers: [
    {
      provide: ForwardAuth,
      useFactory: (options: ForwardAuthOptions) => new ForwardAuth(resolveForwardAuth(options)),
      inject: [FORWARD_AUTH_OPTIONS],
    },
  ],
})
export class ForwardAuthModule extends ConfigurableModuleClass implements NestModule, OnApplicationShutdown {
  constructor(
    @Inject(ForwardAuth) private readonly forwardAuth: ForwardAuth,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {
    super();
  }

  /**
   * Configures the endpoint with values.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(options ?? {});
  }

  /**
   * Configures the endpoint with what a factory returns.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /**
   * Before the app's routes: no guard, pipe, interceptor or filter of the app, and no global prefix, has a say in what
   * a proxy is answered.
   */
  configure(): void {
    this.host.httpAdapter.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      if (this.forwardAuth.concerns(request)) void this.forwardAuth.respond(request, response);
      else next();
    });
  }

  /** The connections to the authorization servers end after those of the proxies. */
  async onApplicationShutdown(): Promise<void> {
    await this.forwardAuth.close();
  }
}
