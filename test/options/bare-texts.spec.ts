import { describe, expect, test } from 'vitest';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { MapIntrospectionStore } from '../support/map-introspection-store.js';
import { messageOf, set } from './support.js';

const SECRET = 'a text secret of 32 bytes at least';

const RIGHT = {
  audience: 'https://api.example.com',
  introspectionOrder: 'by-configuration',
  dpop: { publicUrl: 'https://api.example.com', nonceSecret: SECRET },
  authorizationServers: [
    {
      issuer: 'https://one.example.com',
      introspection: {
        clientAuthentication: { method: 'client_secret_jwt', clientId: 'api', clientSecret: SECRET },
        cache: { shared: { store: new MapIntrospectionStore(), secret: SECRET } },
      },
    },
    {
      issuer: 'https://two.example.com',
      jwt: { secret: SECRET },
      introspection: {
        clientAuthentication: { method: 'client_secret_basic', clientId: 'api', clientSecret: SECRET },
      },
    },
  ],
};

const PATHS = [
  'audience',
  'dpop.nonceSecret',
  'authorizationServers.0.issuer',
  'authorizationServers.0.introspection.clientAuthentication.clientId',
  'authorizationServers.0.introspection.clientAuthentication.clientSecret',
  'authorizationServers.0.introspection.cache.shared.secret',
  'authorizationServers.1.jwt.secret',
  'authorizationServers.1.introspection.clientAuthentication.clientId',
  'authorizationServers.1.introspection.clientAuthentication.clientSecret',
];

const messageWith = (path: string, value: unknown): string =>
  messageOf(() => resolveOptions(set(RIGHT, path, value) as never));

/** `authorizationServers[0].issuer`, as messages have it. */
const written = (path: string): string => path.replaceAll(/\.(\d)/g, '[$1]');

describe('texts and text secrets of the options', () => {
  test.each(PATHS)('%s is accepted without anything around it', (path) => {
    expect(messageWith(path, path.includes('issuer') ? 'https://x.example.com' : SECRET)).toBe('accepted');
  });

  const found = PATHS.flatMap((path) =>
    [
      `${SECRET}\n`,
      `${SECRET}\r\n`,
      ` ${SECRET}`,
      `${SECRET}\t`,
      `\ufeff${SECRET}`,
      `${SECRET}\u00a0`,
      `${SECRET}\u0000`,
      `${SECRET}\u0085`,
      `a\n${SECRET}`,
    ].map((value) => [path, JSON.stringify(value), value] as const),
  );
  test.each(found)(
    'INV8: %s as %s stops the boot, which says what to remove and not what is there',
    (path, _, value) => {
      const message = messageWith(path, value);
      expect(message).toContain(
        `- ${written(path)} (string): remove the line end or other white space around it`,
      );
      expect(message).not.toContain(SECRET);
    },
  );

  test('a secret that is given as bytes may have any', () => {
    const bytes = Buffer.from(`${SECRET}\n`);
    for (const path of PATHS.filter(
      (name) => /(?:s|\.nonceS)ecret$/.test(name) && !name.includes('client'),
    )) {
      expect([path, messageWith(path, bytes)]).toEqual([path, 'accepted']);
    }
  });
});
