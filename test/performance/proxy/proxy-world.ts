import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  randomBytes,
  randomUUID,
  sign,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from 'node:crypto';
import { constants } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';

const AUDIENCE = 'https://api.example.com';
const SHARED = 'https://shared.example.com';
const SIGNING = 'https://signing.example.com';

/** A certificate as nginx hands it on, and its thumbprint. */
export interface HandedOnCertificate {
  readonly pem: string;
  readonly thumbprint: string;
}

/** From its encoded form: in Node 20 the export of a key may wait for ever for what has made it. */
function rsaKeys(): KeyPairKeyObjectResult {
  const { privateKey: key } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  const privateKey = createPrivateKey({ key, type: 'pkcs8', format: 'der' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Everything that the requests of a proxy are made of, and the configuration of `serve` that knows it. */
export class ProxyWorld {
  private readonly secret = randomBytes(32).toString('base64url');
  private readonly keys = rsaKeys();

  private constructor(
    private readonly folder: string,
    private readonly ca: TestCertificateAuthority,
  ) {}

  static async create(): Promise<ProxyWorld> {
    return new ProxyWorld(
      await mkdtemp(join(tmpdir(), 'cert-bound-bench-')),
      await TestCertificateAuthority.create(),
    );
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  /** Writes a configuration. @param more options beside the usual ones @returns its path */
  async configuration(more: object = {}): Promise<string> {
    const jwk = { ...this.keys.publicKey.export({ format: 'jwk' }), kid: 'ps', alg: 'PS256', use: 'sig' };
    const config = {
      listen: { port: 0 },
      proxy: 'nginx',
      trustedProxies: ['loopback'],
      audience: AUDIENCE,
      authorizationServers: [
        { issuer: SHARED, jwt: { secret: this.secret }, binding: 'if-bound' },
        { issuer: SIGNING, jwt: { jwks: { keys: [jwk] } } },
      ],
      policies: { any: {} },
      ...more,
    };
    const file = join(this.folder, `${randomUUID()}.json`);
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  /** A JWT of HS256, bound to nothing unless told otherwise. */
  sharedSecretToken(certificate?: HandedOnCertificate): string {
    const input = inputOf('HS256', SHARED, certificate);
    return `${input}.${createHmac('sha256', this.secret).update(input).digest('base64url')}`;
  }

  /** A JWT of PS256, bound to a certificate. */
  signedToken(certificate: HandedOnCertificate): string {
    const input = inputOf('PS256', SIGNING, certificate);
    return `${input}.${signPss(input, this.keys.privateKey)}`;
  }

  /**
   * Certificates of clients, each another one. But for the first ones their signatures are wrong, which nobody looks at:
   * a proxy has verified them.
   */
  async certificates(count: number): Promise<readonly HandedOnCertificate[]> {
    const { der } = await this.ca.issueClientCertificate('client');
    return Array.from({ length: count }, (_, index) => {
      const copy = Buffer.from(der);
      // Within the signature's last number.
      copy.writeUInt32BE(index, copy.length - 8);
      const lines = copy.toString('base64').match(/.{1,64}/g) ?? [];
      const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
      return { pem: encodeURIComponent(pem), thumbprint: hash('sha256', copy, 'base64url') };
    });
  }
}

function inputOf(alg: string, iss: string, certificate: HandedOnCertificate | undefined): string {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss,
    aud: AUDIENCE,
    sub: 'user-1',
    client_id: 'client-1',
    scope: 'payments:read payments:write',
    iat: now,
    exp: now + 7200,
    jti: randomUUID(),
    ...(certificate === undefined ? {} : { cnf: { 'x5t#S256': certificate.thumbprint } }),
  };
  const header = { alg, typ: 'at+jwt', ...(alg === 'PS256' ? { kid: 'ps' } : {}) };
  return [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
}

function signPss(input: string, key: KeyObject): string {
  const options = {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  };
  return sign('sha256', Buffer.from(input), options).toString('base64url');
}
