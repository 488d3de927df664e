import { decodeProtectedHeader } from 'jose';
import { createPublicKey } from 'node:crypto';
import type { Server } from 'node:https';
import type { ServerSettings } from './server-settings.js';
import { type Middleware, requirePeer, startExpress } from './start-express.js';

interface Passport {
  use(strategy: object): void;
  authenticate(name: string, options: object): Middleware;
}

interface PassportJwt {
  readonly Strategy: new (options: object, verify: (payload: object, done: Done) => void) => object;
  readonly ExtractJwt: { fromAuthHeaderAsBearerToken(): unknown };
}

type Done = (error: null, user: unknown) => void;

/** Express 5 with passport-jwt, which verifies a token and knows no binding. */
export async function startPassportJwt(settings: ServerSettings): Promise<Server> {
  const passport = requirePeer('passport') as Passport;
  const { Strategy, ExtractJwt } = requirePeer('passport-jwt') as PassportJwt;
  const options = {
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    secretOrKeyProvider: keyProvider(settings),
    issuer: settings.issuers[0]?.issuer,
    audience: settings.audience,
    algorithms: ['RS256', 'ES256'],
  };
  passport.use(new Strategy(options, (payload, done) => done(null, payload)));
  return startExpress(settings, [passport.authenticate('jwt', { session: false })]);
}

/** Finds the key by `kid`, as with jwks-rsa; all keys are at hand. */
function keyProvider({ keys }: ServerSettings): (request: object, token: string, done: Done) => void {
  const pems = new Map(
    keys.map((key) => [
      key.kid,
      createPublicKey({ key: { ...key }, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
    ]),
  );
  return (_, token, done) => done(null, pems.get(decodeProtectedHeader(token).kid));
}
