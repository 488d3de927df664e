import { type CanActivate, type ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { Strategy } from 'passport-http-bearer';
import { OpenPaymentsController } from './payments.controller.js';
import type { ServerSettings } from './server-settings.js';
import { startNest } from './start-nest.js';

/** What a Nest developer writes by hand: a bearer strategy with jose, and a guard that compares thumbprints. */
export async function startHandWritten(settings: ServerSettings): Promise<Server> {
  const providers = [
    strategyOf(settings),
    { provide: APP_GUARD, useClass: AuthGuard('bearer') },
    { provide: APP_GUARD, useClass: ThumbprintGuard },
  ];
  class App {}
  return startNest(settings, { module: App, controllers: [OpenPaymentsController], providers });
}

type BearerStrategy = new (options: object) => Strategy;

function strategyOf({ issuers, audience, keys }: ServerSettings): new () => object {
  const jwks = createLocalJWKSet({ keys: [...keys] });
  const issuer = issuers[0]?.issuer ?? '';

  @Injectable()
  class JwtStrategy extends PassportStrategy(Strategy as unknown as BearerStrategy, 'bearer') {
    constructor() {
      super({});
    }

    async validate(token: string): Promise<JWTPayload> {
      const { payload } = await jwtVerify(token, jwks, { issuer, audience, typ: 'at+jwt' });
      return payload;
    }
  }
  return JwtStrategy;
}

interface BoundRequest extends IncomingMessage {
  readonly user?: { readonly cnf?: { readonly 'x5t#S256'?: string } };
}

@Injectable()
class ThumbprintGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<BoundRequest>();
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
    if (certificate === undefined) throw new UnauthorizedException();
    const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
    if (request.user?.cnf?.['x5t#S256'] !== thumbprint) throw new UnauthorizedException();
    return true;
  }
}
