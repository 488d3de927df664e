import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { decodeProtectedHeader, importJWK, type JWTHeaderParameters, jwtVerify } from 'jose';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Server } from 'node:https';
import { OpenPaymentsController } from './payments.controller.js';
import type { ServerSettings } from './server-settings.js';
import { startNest } from './start-nest.js';

/** Lets a request pass, or throws. */
type Check = (headers: IncomingHttpHeaders) => boolean | Promise<boolean>;

/** Nest with a global guard that does nothing: what is added then is Nest's own, and no guard can go below it. */
export async function startEmptyGuard(settings: ServerSettings): Promise<Server> {
  return startGuarded(settings, () => true);
}

/** Nest with a guard that calls `jose.jwtVerify`, and nothing else: what a new token may cost is held against it. */
export async function startJwtVerifyGuard({ keys, ...settings }: ServerSettings): Promise<Server> {
  const options = { issuer: settings.issuers[0]?.issuer ?? '', audience: settings.audience, typ: 'at+jwt' };
  const imported = await Promise.all(
    keys.map(async (jwk) => ({ kid: jwk.kid, key: await importJWK(jwk, jwk.alg) })),
  );
  return startGuarded({ keys, ...settings }, async ({ authorization = '' }) => {
    await jwtVerify(authorization.slice('Bearer '.length), keyFor, options);
    return true;
  });

  function keyFor(header: JWTHeaderParameters): (typeof imported)[number]['key'] {
    const found = imported.find(({ kid }) => kid === header.kid);
    if (found === undefined) throw new Error('the token is signed with another key');
    return found.key;
  }
}

/** Nest with a guard that verifies the bare signature of the proof: what a DPoP request may cost is held against it. */
export async function startSignatureGuard(settings: ServerSettings): Promise<Server> {
  let key: KeyObject | undefined;
  return startGuarded(settings, ({ dpop = '' }) => {
    const proof = String(dpop);
    key ??= keyOf(proof);
    const end = proof.lastIndexOf('.');
    return verify(
      'sha256',
      Buffer.from(proof.slice(0, end)),
      key,
      Buffer.from(proof.slice(end + 1), 'base64url'),
    );
  });
}

function keyOf(proof: string): KeyObject {
  const { jwk } = decodeProtectedHeader(proof);
  return Object.assign(createPublicKey({ key: { ...jwk }, format: 'jwk' }), { dsaEncoding: 'ieee-p1363' });
}

async function startGuarded(settings: ServerSettings, check: Check): Promise<Server> {
  @Injectable()
  class CheckGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean | Promise<boolean> {
      return check(context.switchToHttp().getRequest<{ readonly headers: IncomingHttpHeaders }>().headers);
    }
  }
  class App {}
  const providers = [{ provide: APP_GUARD, useClass: CheckGuard }];
  return startNest(settings, { module: App, controllers: [OpenPaymentsController], providers });
}
