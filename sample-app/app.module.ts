import { Module } from '@nestjs/common';
import { type CertBoundAuthOptions, CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import { AccountsController } from './accounts/accounts.controller.js';
import { HealthController } from './health.controller.js';
import { PaymentsController } from './payments/payments.controller.js';
import { PaymentsService } from './payments/payments.service.js';
import { readSettings } from './settings.js';

@Module({
  imports: [CertBoundAuthModule.forRootAsync({ useFactory: certBoundAuthOptions })],
  controllers: [HealthController, AccountsController, PaymentsController],
  providers: [PaymentsService],
})
export class AppModule {}

function certBoundAuthOptions(): CertBoundAuthOptions {
  const { issuer, tls, clientId, clientSecret } = readSettings();
  return {
    audience: 'https://api.bank.example',
    authorizationServers: [
      {
        issuer,
        tls: { ca: tls.ca },
        introspection: {
          clientAuthentication: { method: 'client_secret_basic', clientId, clientSecret },
        },
      },
    ],
  };
}
