import { Controller, Get, type INestApplication, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import {
  AnyScope,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  CertificateBindingGuard,
  type ClientCertificateOptions,
  forwardedBy,
  mutualTls,
  Public,
  Scopes,
} from 'nestjs-cert-bound-auth';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootMessage } from '../support/boot-message.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { clientOf, createWorld, startApi, tlsOf, whenOver } from '../support/world.js';
import { newKeyPair } from '../support/key-pair.js';

const world = await createWorld();
const foreign = await TestCertificateAuthority.create('Foreign CA');

@Controller()
class RootController {
  @Get() get(): string {
    return 'root';
  }
}

const ISSUER = 'https://as.example.com';
const RIGHT: CertBoundAuthOptions = { audience: 'api', authorizationServers: [{ issuer: ISSUER }] };
const SECRET = { method: 'client_secret_basic', clientId: 'a', clientSecret: 'b' } as const;

/** Boots a standalone app with these options, and returns the message that stops it. */
async function messageOf(options: unknown): Promise<string> {
  const module = CertBoundAuthModule.forRoot(options as CertBoundAuthOptions);
  const boot = NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  return bootMessage(boot);
}

const server = (extra: object): object => ({
  ...RIGHT,
  authorizationServers: [{ issuer: ISSUER, ...extra }],
});
const dpop = (options: object): object => ({
  ...RIGHT,
  dpop: { publicUrl: 'https://api.example.com', ...options },
});
const certificate = (options: object): object => ({
  ...RIGHT,
  clientCertificate: {
    from: 'header',
    header: 'x-cert',
    format: 'pem',
    trustedProxies: ['loopback'],
    trust: 'proxy',
    ...options,
  },
});
const S = 'authorizationServers[0]';
const privateKey = newKeyPair('ec', { namedCurve: 'P-256' });
const rsaKey = (modulusLength: number): object =>
  newKeyPair('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });

describe('invariant 8: wrong options stop the boot', () => {
  test('right options do not stop the boot', async () => {
    expect(await messageOf(RIGHT)).toBe('');
  });

  test('one message names every wrong field, its type and the remedy, and no value', async () => {
    const message = await messageOf({
      audience: [],
      authorizationServers: [
        { issuer: 7, isuer: 'secret-value' },
        {
          issuer: ISSUER,
          introspection: { clientAuthentication: { method: 'client_secret_basic', clientId: 'a' } },
        },
      ],
      clockTolerance: '5',
      realm: 'ü',
    });
    expect(message.split('\n')).toEqual([
      'CertBoundAuthModule cannot start with these options:',
      expect.stringMatching(/^ {2}- audience \(empty array\): name the aud values/),
      '  - authorizationServers[0].isuer (string): there is no such option: did you mean issuer?',
      '  - authorizationServers[0].issuer (number): give the exact iss of the tokens',
      '  - authorizationServers[1].introspection.clientAuthentication.clientSecret (undefined): give the secret of this client',
      '  - clockTolerance (string): give a number of seconds, 0 to 300',
      '  - realm (string): use printable ASCII only',
    ]);
    expect(message).not.toContain('secret-value');
  });

  const cases: readonly [string, unknown, string][] = [
    ['no options', undefined, 'audience (undefined)'],
    ['null', null, 'audience (undefined)'],
    ['no audience', { ...RIGHT, audience: undefined }, 'audience (undefined)'],
    ['an empty audience', { ...RIGHT, audience: '' }, 'audience (empty string)'],
    ['a list with an empty audience', { ...RIGHT, audience: [''] }, 'audience (array)'],
    ['no servers', { ...RIGHT, authorizationServers: [] }, 'authorizationServers (empty array)'],
    [
      'one server, not a list',
      { ...RIGHT, authorizationServers: { issuer: ISSUER } },
      'authorizationServers (object)',
    ],
    ['a server that is null', { ...RIGHT, authorizationServers: [null] }, 'authorizationServers'],
    ['a server that is a string', { ...RIGHT, authorizationServers: [ISSUER] }, 'authorizationServers'],
    ['binding: off', { ...RIGHT, binding: 'off' }, `binding (string): use 'required'`],
    ['binding: null', { ...RIGHT, binding: null }, 'binding (null)'],
    ['dpop without publicUrl', { ...RIGHT, dpop: {} }, 'dpop.publicUrl (undefined): give the origin'],
    ['dpop: true', { ...RIGHT, dpop: true }, 'dpop (boolean): give { publicUrl, ... }'],
    ['dpop: a typo', dpop({ publicURL: 'x' }), 'dpop.publicURL (string): there is no such option'],
    [
      'publicUrl: http',
      dpop({ publicUrl: 'http://api.example.com' }),
      'dpop.publicUrl (string): give the origin',
    ],
    ['publicUrl: no URL', dpop({ publicUrl: 'api.example.com' }), 'dpop.publicUrl (string): give the origin'],
    ['publicUrl: userinfo', dpop({ publicUrl: 'https://a@b.example' }), 'dpop.publicUrl (string)'],
    ['publicUrl: query', dpop({ publicUrl: 'https://a.example/?b' }), 'dpop.publicUrl (string)'],
    ['publicUrl: empty list', dpop({ publicUrl: [] }), 'dpop.publicUrl (empty array)'],
    [
      'publicUrl: list with a wrong one',
      dpop({ publicUrl: ['https://a.example', 'x'] }),
      'dpop.publicUrl (string)',
    ],
    ['publicUrl: a URL object', dpop({ publicUrl: new URL('https://a.example') }), 'dpop.publicUrl (object)'],
    ['dpop HS256', dpop({ algorithms: ['HS256'] }), 'dpop.algorithms (array): accept only ES256'],
    ['dpop none', dpop({ algorithms: ['none'] }), 'dpop.algorithms (array): accept only ES256'],
    ['dpop without algorithms', dpop({ algorithms: [] }), 'dpop.algorithms (empty array): give at least one'],
    [
      'proofLifetime: 0',
      dpop({ proofLifetime: 0 }),
      'dpop.proofLifetime (number): give a number of seconds, 1 to 3600',
    ],
    ['proofLifetime: endless', dpop({ proofLifetime: Infinity }), 'dpop.proofLifetime (number)'],
    ['proofLifetime: NaN', dpop({ proofLifetime: NaN }), 'dpop.proofLifetime (number)'],
    [
      'clockSkew: large',
      dpop({ clockSkew: 301 }),
      'dpop.clockSkew (number): give a number of seconds, 0 to 300',
    ],
    ['maxProofLength: small', dpop({ maxProofLength: 10 }), 'give a number of characters, 256 to 16384'],
    ['nonce: true', dpop({ nonce: true }), "dpop.nonce (boolean): use 'off', 'required' or 'instead-of-iat'"],
    [
      'nonceSecret: short',
      dpop({ nonceSecret: 'short' }),
      'dpop.nonceSecret (string): give at least 32 bytes',
    ],
    ['nonceLifetime: 1', dpop({ nonceLifetime: 1 }), 'give a number of seconds, 2 to 86400'],
    [
      'replayStore: a map',
      dpop({ replayStore: new Map() }),
      'dpop.replayStore (object): give an object with addIfAbsent',
    ],
    [
      'reportUnbound: a string',
      { ...RIGHT, reportUnbound: 'yes' },
      'reportUnbound (string): use true, false',
    ],
    [
      'reportUnbound alone',
      { ...RIGHT, reportUnbound: true },
      'reportUnbound (boolean): there is nothing to report',
    ],
    ['NaN clockTolerance', { ...RIGHT, clockTolerance: NaN }, 'clockTolerance (number)'],
    ['negative clockTolerance', { ...RIGHT, clockTolerance: -1 }, 'clockTolerance (number)'],
    ['large clockTolerance', { ...RIGHT, clockTolerance: 301 }, 'give a number of seconds, 0 to 300'],
    ['an empty realm', { ...RIGHT, realm: '' }, 'realm (empty string)'],
    ['exposeToken: "true"', { ...RIGHT, exposeToken: 'true' }, 'exposeToken (string)'],
    ['validate: a string', { ...RIGHT, validate: 'x' }, 'validate (string)'],
    [
      'certificate from nowhere',
      certificate({ from: 'nowhere' }),
      "clientCertificate.from (string): use 'tls', 'header'",
    ],
    [
      'a header by its word alone',
      { ...RIGHT, clientCertificate: { from: 'header' } },
      'clientCertificate.trustedProxies (undefined): name who may send',
    ],
    [
      'no header',
      certificate({ header: undefined }),
      'clientCertificate.header (undefined): name the header',
    ],
    [
      'a header that is none',
      certificate({ header: 'a b' }),
      'clientCertificate.header (string): it is no name',
    ],
    [
      'a header that is taken',
      certificate({ header: 'Authorization' }),
      'clientCertificate.header (string): this header says',
    ],
    [
      'one header for two things',
      certificate({ chainHeader: 'X-Cert' }),
      'clientCertificate.chainHeader (string): this header says',
    ],
    [
      'a chain beside xfcc',
      certificate({ format: 'xfcc', chainHeader: 'x-chain' }),
      'clientCertificate.chainHeader (string): leave it out',
    ],
    ['no format', certificate({ format: undefined }), "clientCertificate.format (undefined): use 'rfc9440'"],
    ['format: hex', certificate({ format: 'hex' }), "clientCertificate.format (string): use 'rfc9440'"],
    ['no rule of xfcc', certificate({ format: { xfcc: {} } }), 'clientCertificate.format (object)'],
    [
      'hashAlone that is no boolean',
      certificate({ format: { xfcc: { hop: 0, hashAlone: 'yes' } } }),
      'clientCertificate.format (object)',
    ],
    [
      'an unknown rule of xfcc',
      certificate({ format: { xfcc: { hop: 0, hash: true } } }),
      'clientCertificate.format (object)',
    ],
    ['hop: -1', certificate({ format: { xfcc: { hop: -1 } } }), 'clientCertificate.format (object)'],
    [
      'trustedProxies: none',
      certificate({ trustedProxies: [] }),
      'clientCertificate.trustedProxies (empty array): name who',
    ],
    [
      'trustedProxies: a string',
      certificate({ trustedProxies: '10.0.0.0/8' }),
      'clientCertificate.trustedProxies (string)',
    ],
    [
      'trustedProxies: a name',
      certificate({ trustedProxies: ['loopback', 'proxy'] }),
      'clientCertificate.trustedProxies[1] (string)',
    ],
    [
      'trustedProxies: null',
      certificate({ trustedProxies: [null] }),
      'clientCertificate.trustedProxies[0] (null)',
    ],
    [
      'trust forgotten',
      certificate({ trust: undefined }),
      'clientCertificate.trust (undefined): say who verifies',
    ],
    [
      "trust: 'ca' with a header",
      certificate({ trust: 'ca' }),
      'clientCertificate.trust (string): say who verifies',
    ],
    [
      'trust: an empty list of CAs',
      certificate({ trust: { ca: [] } }),
      'clientCertificate.trust.ca (empty array)',
    ],
    [
      'trust: what is no CA',
      certificate({ trust: { ca: '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----' } }),
      'clientCertificate.trust.ca (string): it cannot be used',
    ],
    [
      'trust: a private key',
      certificate({ trust: { ca: '-----BEGIN PRIVATE KEY-----' } }),
      'clientCertificate.trust.ca (string): it cannot be used: there is no certificate',
    ],
    ['verifyHeader: true', certificate({ verifyHeader: true }), 'clientCertificate.verifyHeader (boolean)'],
    [
      'verifyHeader without value',
      certificate({ verifyHeader: { name: 'x' } }),
      'clientCertificate.verifyHeader (object)',
    ],
    [
      'custom without a function',
      { ...RIGHT, clientCertificate: { from: 'custom', trust: 'any' } },
      'clientCertificate.find (undefined)',
    ],
    [
      'custom without trust',
      { ...RIGHT, clientCertificate: { from: 'custom', find: () => '' } },
      'clientCertificate.trust (undefined)',
    ],
    [
      'trust: none',
      { ...RIGHT, clientCertificate: { from: 'tls', trust: 'none' } },
      'clientCertificate.trust (string)',
    ],
    ['clientCertificate: "tls"', { ...RIGHT, clientCertificate: 'tls' }, 'clientCertificate (string)'],
    [
      'an http: issuer',
      server({ issuer: 'http://keycloak:8080/realms/bank' }),
      `${S}.issuer (string): http: is refused, in a private network too: whoever is between could put keys`,
    ],
    [
      'an http: issuer on this machine',
      server({ issuer: 'http://localhost:8080/realms/bank' }),
      `${S}.issuer (string): http: needs http.allowLoopbackHttp: true, which is for development`,
    ],
    [
      'an http: issuer on this machine, with a query',
      server({ issuer: 'http://localhost:8080/?a' }),
      `${S}.issuer (string): discovery needs an https: URL without query`,
    ],
    [
      'an http: issuer, loopback allowed',
      server({ issuer: 'http://as.example.com', http: { allowLoopbackHttp: true } }),
      `${S}.issuer (string)`,
    ],
    ['an issuer with a query', server({ issuer: `${ISSUER}?a` }), `${S}.issuer (string)`],
    ['an issuer with a fragment', server({ issuer: `${ISSUER}#a` }), `${S}.issuer (string)`],
    ['an issuer that is no URL', server({ issuer: 'as' }), `${S}.issuer (string)`],
    [
      'the same issuer twice',
      { ...RIGHT, authorizationServers: [{ issuer: ISSUER }, { issuer: ISSUER }] },
      'authorizationServers[1].issuer',
    ],
    ['jwt: true', server({ jwt: true }), `${S}.jwt (boolean)`],
    ['jwt: null', server({ jwt: null }), `${S}.jwt (null)`],
    ['jwt: false without introspection', server({ jwt: false }), `${S}.jwt (boolean): without JWTs`],
    ['HS256', server({ jwt: { algorithms: ['HS256'] } }), `${S}.jwt.algorithms (array): accept only`],
    ['no algorithm', server({ jwt: { algorithms: [] } }), `${S}.jwt.algorithms (empty array)`],
    [
      'an http: jwksUri',
      server({ jwt: { jwksUri: 'http://as.example.com/jwks' } }),
      `${S}.jwt.jwksUri (string): http: is refused, in a private network too`,
    ],
    ['an empty key set', server({ jwt: { jwks: { keys: [] } } }), `${S}.jwt.jwks (object)`],
    [
      'a private key in the key set',
      server({ jwt: { jwks: { keys: [privateKey.privateKey.export({ format: 'jwk' })] } } }),
      `${S}.jwt.jwks (object): every key must be a public`,
    ],
    [
      'jwks and jwksUri',
      server({ jwt: { jwks: { keys: [{ kty: 'EC' }] }, jwksUri: ISSUER } }),
      'give only one of jwks, jwksUri and secret',
    ],
    ['typ: true', server({ jwt: { typ: true } }), `${S}.jwt.typ (boolean)`],
    [
      'requiredClaims: a string',
      server({ jwt: { requiredClaims: 'sub' } }),
      `${S}.jwt.requiredClaims (string)`,
    ],
    ['maxTokenAge: Infinity', server({ jwt: { maxTokenAge: Infinity } }), `${S}.jwt.maxTokenAge (number)`],
    [
      'introspection without authentication',
      server({ introspection: {} }),
      `${S}.introspection.clientAuthentication (undefined)`,
    ],
    [
      'an unknown method',
      server({ introspection: { clientAuthentication: { method: 'magic', clientId: 'x' } } }),
      `clientAuthentication.method (string): use one of`,
    ],
    [
      'a field of another method',
      server({ introspection: { clientAuthentication: { ...SECRET, key: 'x' } } }),
      'clientAuthentication.key (string): there is no such option',
    ],
    [
      'a key that is none',
      server({
        introspection: {
          clientAuthentication: { method: 'private_key_jwt', clientId: 'a', key: 'x', algorithm: 'ES256' },
        },
      }),
      'clientAuthentication.key (string): it is no private key',
    ],
    [
      'a public key',
      server({
        introspection: {
          clientAuthentication: {
            method: 'private_key_jwt',
            clientId: 'a',
            key: privateKey.publicKey,
            algorithm: 'ES256',
          },
        },
      }),
      'it is no private key',
    ],
    [
      'tls_client_auth without a certificate',
      server({ introspection: { clientAuthentication: { method: 'tls_client_auth', clientId: 'a' } } }),
      `${S}.tls (undefined): tls_client_auth needs`,
    ],
    [
      'a key without its certificate',
      server({ tls: { key: '-----BEGIN PRIVATE KEY-----' } }),
      `${S}.tls (object): key and cert belong together`,
    ],
    [
      'broken PEM',
      server({ tls: { key: '-----BEGIN PRIVATE KEY-----', cert: '-----BEGIN CERTIFICATE-----' } }),
      `${S}.tls (object): it cannot be used`,
    ],
    ['a path instead of PEM', server({ tls: { ca: '/etc/ca.pem' } }), `${S}.tls.ca (string): give PEM text`],
    ['timeout: 0', server({ http: { timeout: 0 } }), `${S}.http.timeout (number)`],
    [
      'maxEntries: 1.5',
      server({ introspection: { clientAuthentication: SECRET, cache: { maxEntries: 1.5 } } }),
      'cache.maxEntries (number)',
    ],
    [
      'cache: true',
      server({ introspection: { clientAuthentication: SECRET, cache: true } }),
      'introspection.cache (boolean)',
    ],
    [
      'a reserved parameter',
      server({ introspection: { clientAuthentication: SECRET, parameters: { token: 'x' } } }),
      'introspection.parameters.token (string): it is set by this module',
    ],
    [
      'a reserved header',
      server({ introspection: { clientAuthentication: SECRET, headers: { Authorization: 'x' } } }),
      'introspection.headers.Authorization',
    ],
    [
      'a header that is a number',
      server({ introspection: { clientAuthentication: SECRET, headers: { a: 1 } } }),
      'introspection.headers (object)',
    ],
    ['claims.scope: a number', server({ claims: { scope: 1 } }), `${S}.claims.scope (number)`],
    [
      'a key that does not fit its algorithm',
      server({
        introspection: {
          clientAuthentication: {
            method: 'private_key_jwt',
            clientId: 'a',
            key: privateKey.privateKey,
            algorithm: 'RS256',
          },
        },
      }),
      'it is not a key for RS256',
    ],
    [
      'a key with an exponent of 3',
      server({
        introspection: {
          clientAuthentication: {
            method: 'private_key_jwt',
            clientId: 'a',
            key: newKeyPair('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey,
            algorithm: 'RS256',
          },
        },
      }),
      'it is not a key for RS256',
    ],
    [
      'a key set with a key that anybody can sign with',
      server({ jwt: { jwks: { keys: [{ ...rsaKey(2048), e: 'AQ' }] } } }),
      'every key must be a public',
    ],
    [
      'a key set with an RSA key of 1024 bits',
      server({ jwt: { jwks: { keys: [rsaKey(1024)] } } }),
      'every key must be a public',
    ],
    [
      'a key set with a broken key',
      server({ jwt: { jwks: { keys: [{ kty: 'EC' }] } } }),
      'every key must be a public',
    ],
    ['a timeout that no timer can hold', server({ http: { timeout: 3e9 } }), `${S}.http.timeout (number)`],
    [
      'a cache of too many entries',
      server({ introspection: { clientAuthentication: SECRET, cache: { maxEntries: 2 ** 33 } } }),
      'cache.maxEntries (number)',
    ],
    [
      'a header that is none',
      server({ introspection: { clientAuthentication: SECRET, headers: { 'x y': 'z' } } }),
      'introspection.headers.x y (string): it is no HTTP header',
    ],
    ['credentials in a URL', server({ issuer: 'https://u:p@as.example.com' }), `${S}.issuer (string)`],
    [
      'another type of JWT',
      server({ jwt: { typ: ['JWT', 'token-introspection+JWT'] } }),
      'never an access token',
    ],
    [
      'a short secret',
      server({ jwt: { secret: 'x'.repeat(31) } }),
      `${S}.jwt.secret (string): give at least 32`,
    ],
    [
      'a secret beside keys',
      server({ jwt: { secret: 'x'.repeat(32), jwksUri: ISSUER } }),
      'give only one of jwks, jwksUri and secret',
    ],
    [
      'a secret with algorithms',
      server({ jwt: { secret: 'x'.repeat(32), algorithms: ['ES256'] } }),
      'with a secret only HMAC is accepted',
    ],
    [
      'signed answers with a secret',
      server({
        jwt: { secret: 'x'.repeat(32) },
        introspection: { clientAuthentication: SECRET, responseFormat: 'jwt' },
      }),
      'introspection.responseFormat (string)',
    ],
    [
      'a client secret too short for its algorithm',
      server({
        introspection: {
          clientAuthentication: {
            method: 'client_secret_jwt',
            clientId: 'a',
            clientSecret: 'x'.repeat(47),
            algorithm: 'HS384',
          },
        },
      }),
      'clientAuthentication.clientSecret (string): it is too short for HS384',
    ],
    [
      'self_signed_tls_client_auth without a certificate',
      server({
        introspection: { clientAuthentication: { method: 'self_signed_tls_client_auth', clientId: 'a' } },
      }),
      `${S}.tls (undefined): self_signed_tls_client_auth needs`,
    ],
    [
      'introspect that is no function',
      server({ introspection: { introspect: 'x' } }),
      'introspection.introspect (string)',
    ],
    [
      'introspect beside an endpoint',
      server({ introspection: { introspect: async () => ({}), endpoint: ISSUER } }),
      'introspection.endpoint (string): there is no such option',
    ],
    ['an unknown order', { ...RIGHT, introspectionOrder: 'random' }, 'introspectionOrder (string)'],
    [
      'two servers for opaque tokens',
      {
        ...RIGHT,
        authorizationServers: [ISSUER, 'https://other.example.com'].map((issuer) => ({
          issuer,
          introspection: { clientAuthentication: SECRET },
        })),
      },
      'authorizationServers[1].introspection (object): an opaque token does not say who issued it',
    ],
    ['tokenCache: true', { ...RIGHT, tokenCache: true }, 'tokenCache (boolean): give false or {'],
    ['tokenCache: a number', { ...RIGHT, tokenCache: 100 }, 'tokenCache (number): give false or {'],
    ['tokenCache: null', { ...RIGHT, tokenCache: null }, 'tokenCache (null): give false or {'],
    [
      'tokenCache: a typo',
      { ...RIGHT, tokenCache: { maxEntry: 1 } },
      'tokenCache.maxEntry (number): there is no such option',
    ],
    [
      'tokenCache of no entries',
      { ...RIGHT, tokenCache: { maxEntries: 0 } },
      'tokenCache.maxEntries (number)',
    ],
    [
      'tokenCache of half an entry',
      { ...RIGHT, tokenCache: { maxEntries: 1.5 } },
      'tokenCache.maxEntries (number)',
    ],
    [
      'tokenCache of too many entries',
      { ...RIGHT, tokenCache: { maxEntries: 2 ** 33 } },
      'tokenCache.maxEntries (number)',
    ],
    [
      'tokenCache of entries as text',
      { ...RIGHT, tokenCache: { maxEntries: '10' } },
      'tokenCache.maxEntries (string)',
    ],
    ['tokenCache of no bytes', { ...RIGHT, tokenCache: { maxSize: 0 } }, 'tokenCache.maxSize (number)'],
    [
      'tokenCache without a bound',
      { ...RIGHT, tokenCache: { maxSize: Infinity } },
      'tokenCache.maxSize (number)',
    ],
    ['bootstrap: true', { ...RIGHT, bootstrap: true }, `bootstrap (boolean): use 'lazy' or 'eager'`],
    ['bootstrap: a typo', { ...RIGHT, bootstrap: 'Eager' }, `bootstrap (string): use 'lazy' or 'eager'`],
    ['keyCache: false', server({ keyCache: false }), `${S}.keyCache (boolean): give { refreshAfter?`],
    ['keyCache: a number', server({ keyCache: 600 }), `${S}.keyCache (number): give { refreshAfter?`],
    [
      'keyCache: a typo',
      server({ keyCache: { maxage: 60 } }),
      `${S}.keyCache.maxage (number): there is no such option`,
    ],
    ['keyCache.maxAge: none', server({ keyCache: { maxAge: 0 } }), `${S}.keyCache.maxAge (number)`],
    ['keyCache.maxAge: no end', server({ keyCache: { maxAge: Infinity } }), `${S}.keyCache.maxAge (number)`],
    ['keyCache.maxAge: as text', server({ keyCache: { maxAge: '60' } }), `${S}.keyCache.maxAge (string)`],
    [
      'keyCache.refreshAfter: none',
      server({ keyCache: { refreshAfter: 0 } }),
      `${S}.keyCache.refreshAfter (number)`,
    ],
    [
      'keyCache.refreshAfter: later than maxAge',
      server({ keyCache: { refreshAfter: 61, maxAge: 60 } }),
      `${S}.keyCache.refreshAfter (number): at most maxAge, which is 60`,
    ],
    [
      'keyCache.refreshAfter: later than the default of maxAge',
      server({ keyCache: { refreshAfter: 601 } }),
      `${S}.keyCache.refreshAfter (number): at most maxAge, which is 600`,
    ],
    [
      'keyCache.staleIfError: negative',
      server({ keyCache: { staleIfError: -1 } }),
      `${S}.keyCache.staleIfError (number)`,
    ],
  ];
  test('an app with right options for forwarded certificates boots', async () => {
    const right = [
      certificate({}),
      certificate({ format: { xfcc: { hop: 1 } }, trust: { ca: [world.ca.cert] } }),
      certificate({ trust: 'any', verifyHeader: 'x-verify' }),
      certificate({ verifyHeader: { name: 'x-verify', value: '0' } }),
      certificate({
        trustedProxies: ['10.0.0.1', 'fd00::/8', 'unix', { certificateThumbprint: world.client1.thumbprint }],
      }),
      { ...RIGHT, clientCertificate: { from: 'custom', find: () => undefined, trust: 'proxy' } },
    ];
    expect(await Promise.all(right.map(async (options) => messageOf(options)))).toEqual(right.map(() => ''));
  });

  test('an app with right options for dpop and reportUnbound boots', async () => {
    const replayStore = new (class {
      #seen = new Set<string>();
      addIfAbsent = async (key: string): Promise<boolean> =>
        !this.#seen.has(key) && this.#seen.add(key).size > 0;
    })();
    const right = [
      dpop({}),
      dpop({ publicUrl: ['https://a.example/v1', 'http://localhost:3000'] }),
      dpop({ publicUrl: () => 'https://a.example' }),
      dpop({
        algorithms: ['ES256', 'EdDSA'],
        proofLifetime: 5,
        clockSkew: 0,
        maxProofLength: 1024,
        replayStore,
      }),
      dpop({ nonce: 'required', nonceSecret: new Uint8Array(32), nonceLifetime: 60 }),
      { ...RIGHT, binding: 'if-bound', reportUnbound: true },
      { ...server({ binding: 'if-bound' }), reportUnbound: () => undefined },
      { ...RIGHT, reportUnbound: false },
    ];
    expect(await Promise.all(right.map(async (options) => messageOf(options)))).toEqual(right.map(() => ''));
  });

  test('an app with right options for tokenCache, bootstrap and keyCache boots', async () => {
    const right = [
      { ...RIGHT, tokenCache: false },
      { ...RIGHT, tokenCache: {} },
      { ...RIGHT, tokenCache: { maxEntries: 1, maxSize: 1 } },
      { ...RIGHT, bootstrap: 'lazy' },
      server({ keyCache: {} }),
      server({ keyCache: { refreshAfter: 60, maxAge: 60, staleIfError: 0 } }),
      // Alone and short, it brings the refresh forward.
      server({ keyCache: { maxAge: 1 } }),
      server({ keyCache: { maxAge: 3600, staleIfError: 3600 } }),
    ];
    expect(await Promise.all(right.map(async (options) => messageOf(options)))).toEqual(right.map(() => ''));
  });

  test.each(cases)('wrong options stop the boot: %s', async (_name, options, expected) => {
    expect(await messageOf(options)).toContain(expected);
  });

  test('options in a class have the values of their getters checked and used', async () => {
    class Options implements CertBoundAuthOptions {
      readonly authorizationServers = RIGHT.authorizationServers;
      get audience(): string {
        return 'api';
      }
      get clockTolerance(): number {
        return Number('five');
      }
    }
    const module = CertBoundAuthModule.forRootAsync({ useFactory: () => new Options() });
    const boot = NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    await expect(boot).rejects.toThrow('clockTolerance (number)');
  });

  test('plain http on loopback is allowed when the option asks for it', async () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]']) {
      expect(
        await messageOf(server({ issuer: `http://${host}:80`, http: { allowLoopbackHttp: true } })),
      ).toBe('');
      expect(await messageOf(server({ issuer: `http://${host}:80` }))).not.toBe('');
    }
    expect(
      await messageOf(server({ issuer: 'http://127.0.0.1.evil.com', http: { allowLoopbackHttp: true } })),
    ).not.toBe('');
  });

  test('a key set may hold keys that are for something else, and members that are null', async () => {
    const agreement = newKeyPair('x25519').publicKey.export({ format: 'jwk' });
    const keys = [
      { ...agreement, use: 'enc' },
      { ...rsaKey(2048), crv: null, d: null },
    ];
    expect(await messageOf(server({ jwt: { jwks: { keys } } }))).toBe('');
  });

  test('keys and buffers pass through the checks unchanged', async () => {
    const clientAuthentication = {
      method: 'private_key_jwt',
      clientId: 'a',
      key: privateKey.privateKey,
      algorithm: 'ES256',
    };
    const tls = {
      ca: [Buffer.from(world.ca.cert)],
      key: Buffer.from(world.client1.key),
      cert: world.client1.cert,
    };
    expect(await messageOf(server({ introspection: { clientAuthentication }, tls }))).toBe('');
  });

  test('forRootAsync takes a factory, and globalGuards beside it', async () => {
    const auth = CertBoundAuthModule.forRootAsync({ useFactory: async () => RIGHT, globalGuards: false });
    @Module({ imports: [auth], controllers: [RootController] })
    class App {}
    const app = await startApp('express', App, tlsOf(world));
    whenOver(async () => app.close());
    const { get } = await import('node:https');
    const { port } = app.getHttpServer().address() as { port: number };
    const status = await new Promise((resolve, reject) => {
      get({ port, ca: world.ca.cert }, (response) => resolve(response.statusCode)).on('error', reject);
    });
    expect(status).toBe(200);
    const bad = CertBoundAuthModule.forRootAsync({ useFactory: () => ({}) as CertBoundAuthOptions });
    const boot = NestFactory.createApplicationContext(bad, { logger: false, abortOnError: false });
    await expect(boot).rejects.toThrow('audience (undefined)');
  });
});

describe.each(PLATFORMS)('invariant 8: an app that can let nobody in does not start on %s', (platform) => {
  const auth = (options: Partial<CertBoundAuthOptions> = {}): object => {
    class App {}
    return {
      module: App,
      imports: [CertBoundAuthModule.forRoot({ ...RIGHT, ...options })],
      controllers: [RootController],
    };
  };

  test('an app on plain HTTP does not start', async () => {
    await expect(startApp(platform, auth())).rejects.toThrow(
      /httpsOptions .*mutualTls\(\{ key, cert, ca \}\)/,
    );
  });

  test('an app on HTTPS that asks for no certificate does not start', async () => {
    const { key, cert } = world.server;
    await expect(startApp(platform, auth(), { key, cert })).rejects.toThrow('asks for no client certificate');
  });

  test('an app on HTTPS that trusts every public CA does not start', async () => {
    const { key, cert } = world.server;
    const tls = { key, cert, requestCert: true };
    await expect(startApp(platform, auth(), tls)).rejects.toThrow(
      'a certificate of any public CA would count',
    );
  });

  test('the boot stops at HTTPS with a crl that holds no list, which would check nothing', async () => {
    const { key, cert } = world.server;
    const tls = { key, cert, ca: world.ca.cert, requestCert: true, crl: [] };
    await expect(startApp(platform, auth(), tls)).rejects.toThrow(
      'httpsOptions.crl (empty array): there is no revocation list in it',
    );
  });

  test('the boot stops at two revocation lists in one text, of which Node may read the first only', async () => {
    const { key, cert } = world.server;
    const [list, other] = [await world.ca.issueCrl(), await foreign.issueCrl()];
    const tls = { key, cert, ca: [world.ca.cert, foreign.cert], requestCert: true };
    await expect(startApp(platform, auth(), { ...tls, crl: `${list}\n${other}` })).rejects.toThrow(
      'httpsOptions.crl (string): several lists are in one text',
    );
    const app = await startApp(platform, auth(), { ...tls, crl: [list, other] });
    await app.close();
  });

  test('the boot stops at a CA of the server that has no revocation list beside one that has', async () => {
    const { key, cert } = world.server;
    const crl = await world.ca.issueCrl();
    const between = (await world.ca.issueIntermediate('Between')).cert;
    const noList = (name: string) =>
      `httpsOptions.crl (array): there is no list of CN=${name}, so that whoever is below it`;
    const ofTwo = mutualTls({ key, cert, ca: [world.ca.cert, foreign.cert], crl });
    await expect(startApp(platform, auth(), ofTwo)).rejects.toThrow(noList('Foreign CA'));
    const ofBetween = mutualTls({ key, cert, ca: world.ca.cert, intermediates: between, crl });
    await expect(startApp(platform, auth(), ofBetween)).rejects.toThrow(noList('Between'));
  });

  test('the boot stops at files of revocation that leave out a CA, unless somebody else may be asked', async () => {
    const { key, cert } = world.server;
    const folder = mkdtempSync(join(tmpdir(), 'boot-'));
    const files = join(folder, 'ca.crl');
    writeFileSync(files, await world.ca.issueCrl());
    const tls = mutualTls({ key, cert, ca: [world.ca.cert, foreign.cert] });
    const both = { ca: [world.ca.cert, foreign.cert] };
    const sources: readonly ClientCertificateOptions[] = [
      { from: 'tls' },
      { from: 'custom', find: () => undefined, trust: both },
      forwardedBy.rfc9440({ trustedProxies: ['loopback'], trust: both }),
    ];
    for (const source of sources) {
      const start = async (revocation: object): Promise<void> => {
        const clientCertificate = { ...source, revocation } as ClientCertificateOptions;
        await (await startApp(platform, auth({ clientCertificate }), tls)).close();
      };
      await expect(start({ crl: { files } })).rejects.toThrow(
        'clientCertificate.revocation.crl.files (string): there is no list of CN=Foreign CA',
      );
      await start({ crl: { files, hosts: ['crl.example.com'] } });
      await start({ mode: 'best-effort', crl: { files } });
    }
    rmSync(folder, { recursive: true });
  });

  test("an app with binding 'if-bound' starts nevertheless", async () => {
    const app = await startApp(platform, auth({ binding: 'if-bound' }));
    await app.close();
  });
});

describe('contradictions between decorators stop the boot', () => {
  const boot = async (controller: new () => object): Promise<INestApplication> =>
    startApi(world, 'express', { issuer: ISSUER }, [controller]);

  test('the boot stops at @Public() and @Scopes() on one method', async () => {
    @Controller()
    class Both {
      @Get() @Public() @Scopes('a') get(): void {}
    }
    await expect(boot(Both)).rejects.toThrow('Both.get (function): it is @Public() and protected at once');
  });

  test('the boot stops at @Public() and a rule or a guard on one class', async () => {
    @Controller()
    @AnyScope('a')
    @Public()
    class Rule {}
    @Controller()
    @UseGuards(CertificateBindingGuard)
    @Public()
    class Guard {}
    @Controller()
    @UseGuards(AuthGuard('cert-bound'))
    @Public()
    class Passport {}
    for (const controller of [Rule, Guard, Passport]) {
      await expect(boot(controller)).rejects.toThrow(`${controller.name} (function): it is @Public()`);
    }
  });

  test('the boot stops at a method that overrides a protected one without repeating its decorators', async () => {
    class Base {
      @Get() @Scopes('a') get(): void {}
    }
    @Controller()
    class Forgetful extends Base {
      @Get() override get(): void {}
    }
    @Controller()
    class Careful extends Base {
      @Get() @Scopes('b') override get(): void {}
    }
    @Controller()
    class Open extends Base {
      @Get() @Public() override get(): void {}
    }
    await expect(boot(Forgetful)).rejects.toThrow(
      'Forgetful.get (function): the method it overrides is protected',
    );
    await boot(Careful);
    await boot(Open);
  });

  test('inherited decorators are no contradiction, because the decorators of the class itself win', async () => {
    @Controller()
    @Public()
    class OpenBase {}
    @Controller('closed')
    @Scopes('a')
    class Closed extends OpenBase {
      @Get() get(): void {}
    }
    const app = await boot(Closed);
    await clientOf(app, world).get('/closed').expect(401);
    class PlainBase {
      @Get() @Scopes('a') get(): void {}
    }
    @Controller()
    class NoRoute extends PlainBase {
      override get(): void {}
    }
    await boot(NoRoute);
  });

  test('two apps on one instance of Express', async () => {
    const { default: express } = await import('express');
    const { ExpressAdapter } = await import('@nestjs/platform-express');
    const shared = express();
    const start = async (): Promise<INestApplication> => {
      const module = { module: class App {}, imports: [CertBoundAuthModule.forRoot(RIGHT)] };
      const options = { httpsOptions: tlsOf(world), logger: false, abortOnError: false } as const;
      const app = await NestFactory.create(module, new ExpressAdapter(shared), options);
      whenOver(async () => app.close());
      return app.init();
    };
    const first = await start();
    await expect(start()).rejects.toThrow('two Nest apps share this instance');
    await first.close();
    await start();
  });

  test('the boot stops when the module is imported without forRoot, and the message says what to write', async () => {
    @Module({ imports: [CertBoundAuthModule] })
    class Bare {}
    @Module({ imports: [CertBoundAuthModule.forRoot(RIGHT), Bare] })
    class Twice {}
    @Module({ imports: [CertBoundAuthModule.forRootAsync({ useFactory: () => undefined as never })] })
    class Forgotten {}
    for (const module of [Bare, Twice, Forgotten]) {
      await expect(startApp('express', module, tlsOf(world))).rejects.toThrow(
        'options (undefined): import CertBoundAuthModule.forRoot({ audience, authorizationServers }) in the root module',
      );
    }
  });

  test('the boot stops when the module is imported twice', async () => {
    const twice = {
      module: class App {},
      imports: [CertBoundAuthModule.forRoot(RIGHT), CertBoundAuthModule.forRoot({ ...RIGHT, audience: 'b' })],
    };
    await expect(startApp('express', twice, tlsOf(world))).rejects.toThrow('import it once');
  });

  test('a text that cannot be a scope is refused as soon as the class is loaded', () => {
    expect(() => Scopes('a b')).toThrow(`"a b" is not one scope`);
    expect(() => Scopes('')).toThrow('is not one scope');
    expect(() => Scopes('ä')).toThrow('is not one scope');
    expect(() => Scopes(['a', 'b'] as unknown as string)).toThrow('is not one scope');
    expect(() => Scopes(undefined as unknown as string)).toThrow('is not one scope');
    expect(() => AnyScope(...([] as unknown as ['a']))).toThrow('needs at least one scope');
  });
});

describe('the TLS options that mutualTls makes', () => {
  const right = (): Parameters<typeof mutualTls>[0] => ({ ...world.server, ca: world.ca.cert });

  test('mutualTls is strict by default', () => {
    expect(mutualTls(right())).toMatchObject({
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    });
    expect(
      mutualTls({ ...right(), clientAuth: 'request', minVersion: 'TLSv1.3', sessionTimeout: 5 }),
    ).toMatchObject({
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      sessionTimeout: 5,
    });
  });

  test.each(['key', 'cert', 'ca'])('mutualTls throws without %s', (name) => {
    for (const value of [undefined, null, '', [], [''], Buffer.alloc(0)]) {
      expect(() => mutualTls({ ...right(), [name]: value })).toThrow(`${name} is missing or empty`);
    }
  });

  test('mutualTls throws with a PKCS #12 file', () => {
    const pfx = Buffer.from('pfx');
    expect(() => mutualTls({ pfx, ca: world.ca.cert } as never)).toThrow('pfx is not taken');
    expect(() => mutualTls({ ...right(), pfx } as never)).toThrow('pfx is not taken');
  });

  test('mutualTls throws when it gets the path of a file instead of its text', () => {
    expect(() => mutualTls({ ...right(), ca: '/etc/ca.pem' })).toThrow('ca is not PEM');
  });

  test.each(['requestCert', 'rejectUnauthorized', 'secureProtocol', 'SNICallback', 'pskCallback'])(
    'mutualTls throws when it gets %s',
    (name) => {
      expect(() => mutualTls({ ...right(), [name]: false })).toThrow(`${name} can't be set`);
    },
  );

  test('mutualTls throws with an unknown clientAuth or an old version of TLS', () => {
    expect(() => mutualTls({ ...right(), clientAuth: 'none' as never })).toThrow('clientAuth must be');
    expect(() => mutualTls({ ...right(), minVersion: 'TLSv1' as never })).toThrow('minVersion must be');
  });
});
