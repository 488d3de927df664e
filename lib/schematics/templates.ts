import type { Project } from './project.js';

/** Whose tokens the app accepts in production. */
export interface Acceptance {
  readonly issuer: string;
  readonly audience: string;
}

/** The file that says whose tokens the app accepts, and by which certificates it is served. */
export function settingsFile({ issuer, audience }: Acceptance): string {
  return `import { existsSync, readFileSync } from 'node:fs';
import { type CertBoundAuthOptions, mutualTls } from 'nestjs-cert-bound-auth';

// What \`npx nestjs-cert-bound-auth dev\` has made counts on a machine of development only.
const development = '.cert-bound';
const isDevelopment = process.env.NODE_ENV !== 'production' && existsSync(\`\${development}/ca.crt\`);

/** Whose tokens this API accepts, and for what. */
export function certBoundAuthOptions(): CertBoundAuthOptions {
  return {
    audience: ${literal(audience)},
    authorizationServers: [
      isDevelopment
        ? {
            issuer: 'https://localhost:9443',
            tls: { ca: readFileSync(\`\${development}/ca.crt\`) },
          }
        : { issuer: ${literal(issuer)} },
    ],
  };
}

/** TLS of the server: TLS_CLIENT_CA_FILE has the CAs that issue your clients' certificates. */
export function httpsOptions() {
  return mutualTls({
    key: readFileSync(fileOf('TLS_KEY_FILE', 'server.key')),
    cert: readFileSync(fileOf('TLS_CERT_FILE', 'server.crt')),
    ca: readFileSync(fileOf('TLS_CLIENT_CA_FILE', 'ca.crt')),
  });
}

function fileOf(variable: string, name: string): string {
  const file = process.env[variable] ?? (isDevelopment ? \`\${development}/\${name}\` : undefined);
  if (file === undefined) {
    throw new Error(\`\${variable} is not set. For development: npx nestjs-cert-bound-auth dev\`);
  }
  return file;
}
`;
}

/** A test with real certificates, real TLS and real tokens, for Jest and Vitest alike. */
export function firstTest({ extension, testRunner }: Project): string {
  const vitest =
    testRunner === 'vitest' ? "import { afterAll, beforeAll, describe, it } from 'vitest';\n" : '';
  return `import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CertBoundAuthModule, mutualTls } from 'nestjs-cert-bound-auth';
import {
  TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import request from 'supertest';
${vitest}import { AppController } from './../src/app.controller${extension}';
import { AppService } from './../src/app.service${extension}';

describe('tokens', () => {
  let ca: TestCertificateAuthority;
  let as: TestAuthorizationServer;
  let app: INestApplication;

  beforeAll(async () => {
    ca = await TestCertificateAuthority.create();
    as = await TestAuthorizationServer.start({ ca });
    const module = await Test.createTestingModule({
      imports: [CertBoundAuthModule.forRoot(as.moduleOptions)],
      controllers: [AppController],
      providers: [AppService],
    }).compile();
    const server = await ca.issueServerCertificate();
    const httpsOptions = mutualTls({ ...server, ca: ca.cert });
    app = module.createNestApplication({ httpsOptions });
    await app.init();
  });

  afterAll(async () => {
    await app.close();
    await as.stop();
  });

  it('a token works only with the certificate that it was issued to', async () => {
    const mine = await ca.issueClientCertificate('a');
    const stolen = await ca.issueClientCertificate('b');
    const token = await as.accessToken({ certificate: mine });
    const get = ({ key, cert }: TestCertificate) =>
      request(app.getHttpServer())
        .get('/')
        .key(key)
        .cert(cert)
        .ca(ca.cert)
        .auth(token, { type: 'bearer' });
    await get(mine).expect(200);
    await get(stolen).expect(401);
  });
});
`;
}

/** As a literal of TypeScript. */
function literal(text: string): string {
  return `'${text.replaceAll(/[\\'\n]/g, (character) => (character === '\n' ? '' : `\\${character}`))}'`;
}
