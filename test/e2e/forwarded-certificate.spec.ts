import { Controller, Get, type INestApplication } from '@nestjs/common';
import {
  CertBoundAuthModule,
  ClientCertificate,
  type ClientCertificateOptions,
  type HeaderClientCertificateOptions,
  type PresentedCertificate,
  Public,
} from 'nestjs-cert-bound-auth';
import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import supertest, { type Test } from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { RecordingLogger } from '../support/recording-logger.js';
import {
  API_CLIENT,
  challengeOf,
  clientOf,
  createWorld,
  startAuthorizationServer,
  whenOver,
} from '../support/world.js';

@Controller()
class CertificateController {
  @Get() get(@ClientCertificate() certificate?: PresentedCertificate): object {
    return shown(certificate);
  }
  @Get('open') @Public() open(@ClientCertificate() certificate?: PresentedCertificate): object {
    return shown(certificate);
  }
}

function shown(certificate: PresentedCertificate | undefined): object {
  if (certificate === undefined) return { none: true };
  const { thumbprint, chainVerified, subject } = certificate;
  return { thumbprint, chainVerified, subject };
}

const world = await createWorld();
const foreign = await (await TestCertificateAuthority.create('Another CA')).issueClientCertificate('client1');
const intermediate = await world.ca.issueIntermediate('Intermediate CA');
const viaIntermediate = await intermediate.issueClientCertificate('client3');
afterEach(() => {
  vi.useRealTimers();
});

const FROM_HEADER: HeaderClientCertificateOptions = {
  from: 'header',
  header: 'X-Client-Cert',
  format: 'der',
  trustedProxies: ['loopback'],
  trust: 'proxy',
};

function base64(der: Uint8Array): string {
  return Buffer.from(der).toString('base64');
}

/** What a caller sends: header names and values, any of which may repeat. */
type Headers = Readonly<Record<string, string | readonly string[]>>;

describe.each(PLATFORMS)('the certificate that a proxy passes on, on %s', (platform) => {
  /** An API without TLS, as behind a proxy that ends it. */
  const startBehindProxy = async (clientCertificate: ClientCertificateOptions) => {
    const as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, clientCertificate });
    const module = { module: class App {}, imports: [auth], controllers: [CertificateController] };
    const app = await startApp(platform, module, undefined, { logger });
    whenOver(async () => app.close());
    return { as, app, logger, ...callsTo(app, as) };
  };

  const start = async (options: Partial<HeaderClientCertificateOptions> = {}) =>
    startBehindProxy({ ...FROM_HEADER, ...options });

  const callsTo = (app: INestApplication, as: TestAuthorizationServer) => {
    const get = (token: string, headers: Headers, path = '/'): Test =>
      supertest(app.getHttpServer() as never)
        .get(path)
        .auth(token, { type: 'bearer' })
        .set(headers as never);
    const statusOf = async (bound: TestCertificate, headers: Headers): Promise<number> =>
      (await get(await as.accessToken({ certificate: bound }), headers)).status;
    return { get, statusOf };
  };

  test('RFC8705-1: a token works with its certificate, and with no other', async () => {
    const { as, get, statusOf } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    const right = await get(token, { 'x-client-cert': base64(world.client1.der) });
    expect(right.body).toEqual({
      thumbprint: world.client1.thumbprint,
      chainVerified: true,
      subject: 'CN=client1',
    });
    expect(await statusOf(world.client1, { 'x-client-cert': base64(world.client2.der) })).toBe(401);
    for (const absent of ['', '-', '(null)']) {
      expect(await statusOf(world.client1, { 'x-client-cert': absent })).toBe(401);
    }
    expect(await statusOf(world.client1, {})).toBe(401);
    expect((await get(token, { 'x-client-cert': base64(world.client1.der) }, '/open')).body).toMatchObject({
      thumbprint: world.client1.thumbprint,
    });
    expect((await get(token, { 'x-client-cert': 'rubbish' }, '/open')).body).toEqual({ none: true });
  });

  test('RFC9440: a repeated or unreadable header is 400', async () => {
    const { as, get } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    const [one, two] = [base64(world.client1.der), base64(world.client2.der)];
    for (const value of [[one, one], [one, two], ['', one], 'rubbish', `${one}*`]) {
      const response = await get(token, { 'X-Client-Cert': value });
      expect([response.status, challengeOf(response)]).toEqual([
        400,
        expect.stringContaining('invalid_request'),
      ]);
    }
  });

  test('INV2: the header of anyone else is ignored, and the log says so', async () => {
    const { logger, statusOf } = await start({ trustedProxies: ['10.0.0.0/8', 'fd00::/8', 'unix'] });
    const headers = { 'X-Client-Cert': base64(world.client1.der) };
    expect(await statusOf(world.client1, headers)).toBe(401);
    expect(await statusOf(world.client1, { 'X-Client-Cert': ['', 'rubbish'] })).toBe(401);
    const texts = logger.ours.map(({ level, text }) => `${level} ${text}`);
    const detail = expect.stringMatching(
      /127\.0\.0\.1 sent the header x-client-cert and is none of trustedProxies/,
    ) as string;
    expect(texts.filter((text) => text.startsWith('warn'))).toEqual([detail]);
    expect(texts.filter((text) => text.includes('refused'))).toEqual([detail, detail]);
    expect(texts[1]).toContain('reason=certificate_header_untrusted');
  });

  test('a proxy is trusted by its own certificate, which is not taken for the client’s', async () => {
    const clientCertificate: ClientCertificateOptions = {
      ...FROM_HEADER,
      trustedProxies: [{ certificateThumbprint: world.client2.thumbprint }],
    };
    const { as, app } = await startProtectedApi(world, platform, [CertificateController], {
      server: { introspection: { clientAuthentication: API_CLIENT } },
      options: { clientCertificate },
    });
    const token = await as.accessToken({ certificate: world.client1 });
    const header = { 'X-Client-Cert': base64(world.client1.der) };
    await clientOf(app, world, world.client2, token).get('/').set(header).expect(200);
    await clientOf(app, world, world.client1, token).get('/').set(header).expect(401);
    await clientOf(app, world, undefined, token).get('/').set(header).expect(401);
    await clientOf(app, world, world.client2, token).get('/').expect(401);
    const ofProxy = await as.accessToken({ certificate: world.client2 });
    await clientOf(app, world, world.client2, ofProxy).get('/').expect(401);
    await clientOf(app, world, world.client1, token).get('/').expect(401);
  });

  test('trust: { ca } has the chain and its validity verified here', async () => {
    const { as, get, statusOf } = await start({ trust: { ca: world.ca.cert } });
    const send = async (certificate: TestCertificate, ...chain: readonly Uint8Array[]): Promise<number> =>
      statusOf(certificate, {
        'X-Client-Cert': [certificate.der, ...chain].map((der) => base64(der)).join(','),
      });
    expect(await send(world.client1)).toBe(200);
    expect(await send(world.client1)).toBe(200);
    expect(await send(foreign)).toBe(401);
    expect(await send(viaIntermediate)).toBe(401);
    expect(await send(viaIntermediate, intermediate.der)).toBe(200);
    expect(await send(world.server)).toBe(401);
    const token = await as.accessToken({ certificate: world.client1, lifetime: 1e9 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 40 * 86_400_000 });
    expect((await get(token, { 'X-Client-Cert': base64(world.client1.der) })).status).toBe(401);
  });

  test('trust: { ca } reads the chain from a header of its own', async () => {
    const { statusOf } = await start({
      format: 'rfc9440',
      chainHeader: 'Client-Cert-Chain',
      trust: { ca: world.ca.cert },
    });
    const item = (der: Uint8Array): string => `:${base64(der)}:`;
    const leaf = { 'X-Client-Cert': item(viaIntermediate.der) };
    expect(await statusOf(viaIntermediate, leaf)).toBe(401);
    expect(await statusOf(viaIntermediate, { ...leaf, 'Client-Cert-Chain': item(intermediate.der) })).toBe(
      200,
    );
    const lines = [item(foreign.der), `${item(world.client2.der)}, ${item(intermediate.der)}`];
    expect(await statusOf(viaIntermediate, { ...leaf, 'Client-Cert-Chain': lines })).toBe(200);
    expect(await statusOf(viaIntermediate, { ...leaf, 'Client-Cert-Chain': 'rubbish' })).toBe(400);
    const many = Array.from({ length: 11 }, () => item(intermediate.der)).join();
    expect(await statusOf(viaIntermediate, { ...leaf, 'Client-Cert-Chain': many })).toBe(400);
  });

  test("trust: 'any' takes any certificate, and says that nobody verified it", async () => {
    const { as, get } = await start({ trust: 'any' });
    const response = await get(await as.accessToken({ certificate: foreign }), {
      'X-Client-Cert': base64(foreign.der),
    });
    expect(response.body).toEqual({
      thumbprint: foreign.thumbprint,
      chainVerified: false,
      subject: 'CN=client1',
    });
  });

  test('the verdict of the proxy is demanded where a header for it is named', async () => {
    const { statusOf } = await start({ verifyHeader: 'X-Verify' });
    const certificate = { 'X-Client-Cert': base64(world.client1.der) };
    const verdicts: readonly (readonly [Headers, number])[] = [
      [{ 'X-Verify': 'SUCCESS' }, 200],
      [{ 'X-Verify': 'FAILED:self-signed certificate' }, 401],
      [{ 'X-Verify': 'success' }, 401],
      [{ 'X-Verify': '' }, 401],
      [{}, 401],
      [{ 'X-Verify': ['SUCCESS', 'SUCCESS'] }, 400],
    ];
    for (const [verdict, status] of verdicts) {
      expect([verdict, await statusOf(world.client1, { ...certificate, ...verdict })]).toEqual([
        verdict,
        status,
      ]);
    }
  });

  test('a digest from Envoy is enough where the proxy is trusted, and only there', async () => {
    const hex = Buffer.from(world.client1.thumbprint, 'base64url').toString('hex');
    const header = { 'X-Client-Cert': `Hash=${hex};Subject="CN=client1";URI=spiffe://bank/client1` };
    const trusting = await start({ format: { xfcc: { hashAlone: true } } });
    const token = await trusting.as.accessToken({ certificate: world.client1 });
    expect((await trusting.get(token, header)).body).toEqual({
      thumbprint: world.client1.thumbprint,
      chainVerified: true,
      subject: 'CN=client1',
    });
    expect(await trusting.statusOf(world.client2, header)).toBe(401);
    const verifying = await start({ format: { xfcc: { hashAlone: true } }, trust: { ca: world.ca.cert } });
    expect(await verifying.statusOf(world.client1, header)).toBe(401);
  });

  test('a function may find the certificate elsewhere, and what it throws is a refusal', async () => {
    const find = (request: object): string | Uint8Array | undefined => {
      const kind = (request as { readonly headers: Readonly<Record<string, string>> }).headers['x-kind'];
      if (kind === 'error') throw new Error('of the function');
      if (kind === 'rubbish') return 'rubbish';
      return kind === undefined ? undefined : kind === 'pem' ? world.client1.cert : world.client1.der;
    };
    const { logger, statusOf } = await startBehindProxy({
      from: 'custom',
      find,
      trust: { ca: world.ca.cert },
    });
    expect(await statusOf(world.client1, { 'X-Kind': 'pem' })).toBe(200);
    expect(await statusOf(world.client1, { 'X-Kind': 'der' })).toBe(200);
    expect(await statusOf(world.client1, {})).toBe(401);
    expect(await statusOf(world.client1, { 'X-Kind': 'rubbish' })).toBe(401);
    expect(await statusOf(world.client1, { 'X-Kind': 'error' })).toBe(401);
    expect(logger.ours.at(-1)?.text).toContain('reason=certificate_source_failed detail="of the function"');
  });
});
