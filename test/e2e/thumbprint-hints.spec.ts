import { createHash } from 'node:crypto';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { loggedRefusal } from '../support/logged-refusal.js';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { TokenController } from '../support/token-controller.js';
import { clientOf, createWorld } from '../support/world.js';

const world = await createWorld();

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');

describe.each(PLATFORMS)('RFC8705-1: a mismatch is explained in the log on %s', (platform) => {
  const start = async () => {
    const { as, app, logger } = await startProtectedApi(world, platform, [TokenController]);
    /** What the log says of a token that is bound to this thumbprint. */
    const detailOf = async (thumbprint: string, certificate: TestCertificate): Promise<string> => {
      const token = await as.accessToken({ claims: { cnf: { 'x5t#S256': thumbprint } } });
      logger.lines.length = 0;
      const { status } = await clientOf(app, world, certificate, token).get('/');
      if (status === 200) return 'accepted';
      expect(status).toBe(401);
      return loggedRefusal(logger.ours[0]).detail ?? 'none';
    };
    return { detailOf };
  };

  test('the log explains a thumbprint of something other than the DER', async () => {
    const { detailOf } = await start();
    expect(await detailOf(sha256(world.client1.cert), world.client1)).toMatch(
      /^the token is bound to .{43}, the client presented .{43}: the token has the SHA-256 of the certificate's PEM text/,
    );
  });

  test("the log explains the thumbprint of the CA's certificate, which the client need not send", async () => {
    const { detailOf } = await start();
    expect(await detailOf(sha256(world.ca.der), world.client1)).toMatch(
      /: the token has the thumbprint of the CA CN=Test CA, not of the client's certificate$/,
    );
  });

  test('the log explains the thumbprint of a certificate that the client has renewed, but not to another client', async () => {
    const { detailOf } = await start();
    const { thumbprint } = world.client1;
    const renewed = await world.ca.issueClientCertificate('client1');
    expect(await detailOf(thumbprint, renewed)).toMatch(/the client presented .{43}$/);
    expect(await detailOf(thumbprint, world.client1)).toBe('accepted');
    expect(await detailOf(thumbprint, renewed)).toMatch(
      /: the client presented .* before: it has been renewed/,
    );
    expect(await detailOf(thumbprint, world.client2)).toMatch(/the client presented .{43}$/);
  });
});
