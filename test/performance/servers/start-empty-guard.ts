import { type CanActivate, Injectable } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { Server } from 'node:https';
import { OpenPaymentsController } from './payments.controller.js';
import type { ServerSettings } from './server-settings.js';
import { startNest } from './start-nest.js';

/** Lets every request pass, at once. */
@Injectable()
class EmptyGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** Nest with a global guard that does nothing: what is added then is Nest's own, and no guard can go below it. */
export async function startEmptyGuard(settings: ServerSettings): Promise<Server> {
  class App {}
  const providers = [{ provide: APP_GUARD, useClass: EmptyGuard }];
  return startNest(settings, { module: App, controllers: [OpenPaymentsController], providers });
}
