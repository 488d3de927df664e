import { Module } from '@nestjs/common';
import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import { AccountsController } from './accounts/accounts.controller.js';
import { certBoundAuthOptions } from './cert-bound-auth.options.js';
import { HealthController } from './health.controller.js';
import { PaymentsController } from './payments/payments.controller.js';
import { PaymentsService } from './payments/payments.service.js';
import { readSettings } from './settings.js';

@Module({
  imports: [CertBoundAuthModule.forRootAsync({ useFactory: () => certBoundAuthOptions(readSettings()) })],
  controllers: [HealthController, AccountsController, PaymentsController],
  providers: [PaymentsService],
})
export class AppModule {}
