import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type INestApplication, ValidationPipe } from '@nestjs/common';
import { CertBoundAuthModule, mutualTls } from 'nestjs-cert-bound-auth';
import { AccountsController } from '../../../sample-app/accounts/accounts.controller.js';
import { certBoundAuthOptions } from '../../../sample-app/cert-bound-auth.options.js';
import { baseUrl, freePorts } from '../../../sample-app/development/ports.js';
import { PaymentsController } from '../../../sample-app/payments/payments.controller.js';
import { PaymentsService } from '../../../sample-app/payments/payments.service.js';
import { type Platform, startApp } from '../../support/platforms.js';
import type { SampleAuthorizationServer } from './authorization-server.js';

const HOST = '127.0.0.1';

/** The sample's API in this process, with the sample's own options. */
export interface SampleApi {
  readonly app: INestApplication;
  readonly apiUrl: string;
  /** The CA of its certificate, and of the authorization server's (PEM). */
  readonly ca: string;
}

export async function startSampleApi(platform: Platform, as: SampleAuthorizationServer): Promise<SampleApi> {
  const { api: port } = await freePorts(HOST);
  const apiUrl = baseUrl(HOST, port);
  const read = (file: string): string => readFileSync(join(as.pki, file), 'utf8');
  const tls = { key: read('server.key'), cert: read('server.crt'), ca: read('ca.crt') };
  const nonceSecret = 'a secret of at least thirty-two bytes';
  const options = certBoundAuthOptions({ ...as.api, issuer: as.issuer, tls, publicUrl: apiUrl, nonceSecret });
  const module = {
    module: class App {},
    imports: [CertBoundAuthModule.forRoot(options)],
    controllers: [AccountsController, PaymentsController],
    providers: [PaymentsService],
  };
  const app = await startApp(platform, module, mutualTls({ ...tls, clientAuth: 'request' }), {
    port,
    configure: (nest) => nest.useGlobalPipes(new ValidationPipe({ whitelist: true })),
  });
  return { app, apiUrl, ca: tls.ca };
}
