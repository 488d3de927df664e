import { describe, expect, test } from 'vitest';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';
import { noSuchOption } from '../../lib/options/no-such-option.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

const RIGHT = {
  audience: 'https://api.example.com',
  authorizationServers: [{ issuer: 'https://as.example.com' }],
};

/** What the boot says of options with these beside the shortest ones. */
function messageOf(options: object): string {
  try {
    resolveOptions({ ...RIGHT, ...options });
    return 'accepted';
  } catch (error) {
    return String(error);
  }
}

const onServer = (options: object): object => ({
  authorizationServers: [{ issuer: 'https://as.example.com', ...options }],
});

describe('INV8: an option that does not exist is named together with the one that was meant', () => {
  test.each([
    [
      'a letter left out',
      { audince: 'x' },
      'audince (string): there is no such option: did you mean audience?',
    ],
    ['two letters swapped', { raelm: 'x' }, 'did you mean realm?'],
    ['another case', { Dpop: {} }, 'did you mean dpop?'],
    ['what stands beside the options', { globalGaurds: false }, 'did you mean globalGuards?'],
    ['two letters of a short name swapped', onServer({ tsl: {} }), 'did you mean tls?'],
    ['the spelling of JSON', onServer({ jwt: { jwks_uri: 'x' } }), 'did you mean jwksUri?'],
    ['a plural', { authorizationServer: [] }, 'did you mean authorizationServers?'],
    ['a group inside another', onServer({ http: { timeOut: 1 } }), 'did you mean timeout?'],
  ])('%s is recognised', (_, options, message) => {
    expect(messageOf(options)).toContain(message);
  });

  test.each([
    [{ jwksUri: 'x' }, 'there is no such option here: did you mean authorizationServers[].jwt.jwksUri?'],
    [{ publicUrl: 'x' }, 'there is no such option here: did you mean dpop.publicUrl?'],
    [onServer({ typ: 'JWT' }), 'there is no such option here: did you mean authorizationServers[].jwt.typ?'],
    [onServer({ globalGuards: false }), 'there is no such option'],
    [onServer({ clockTolerance: 1 }), 'there is no such option here: did you mean clockTolerance?'],
  ])('the place of an option that stands elsewhere is named: %j', (options, message) => {
    expect(messageOf(options)).toContain(message);
  });

  test('nothing is guessed where nothing is near', () => {
    expect(messageOf({ flux: 1, x: 1 })).toMatch(
      /flux \(number\): there is no such option\n.*x \(number\): there is no such option$/,
    );
    expect(noSuchOption('id', ['issuer', 'aud'])).toBe('there is no such option');
  });

  test('a policy of forward-auth is treated alike', () => {
    const options = { ...RIGHT, trustedProxies: ['loopback'], policies: { pay: { scope: ['pay'] } } };
    expect(() => resolveForwardAuth(options as never)).toThrow(
      'policies.pay.scope (array): there is no such option: did you mean scopes?',
    );
  });
});
