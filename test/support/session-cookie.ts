import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { SessionSeal } from '../../lib/session/session-seal.js';

/** A secret for the sessions of a test. */
export const SESSION_SECRET = 'a secret for the sessions of a test';

/** The cookie of a session as a browser sends it, sealed by that secret some seconds ago. */
export function sessionCookie(token: string, { thumbprint }: TestCertificate, age = 0): string {
  const seal = new SessionSeal({ secrets: [SESSION_SECRET], cookie: '__Host-session' });
  const sealedAt = Math.floor(Date.now() / 1_000) - age;
  return `__Host-session=${seal.seal({ token, startedAt: sealedAt, sealedAt }, thumbprint)}`;
}
