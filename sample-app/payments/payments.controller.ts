import { Body, Controller, ForbiddenException, Get, Post } from '@nestjs/common';
import {
  AccessToken,
  ClientCertificate,
  type PresentedCertificate,
  Scopes,
  SenderConstrained,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { CreatePaymentDto } from './create-payment.dto.js';
import { type Payment, PaymentsService } from './payments.service.js';

@Controller('payments')
export class PaymentsController {
  constructor(private readonly payments: PaymentsService) {}

  /** A client sees its own payments only. */
  @Get()
  @Scopes('payments:read')
  list(@AccessToken() token: VerifiedAccessToken): readonly Payment[] {
    return this.payments.list(clientOf(token));
  }

  /** Money moves by a client's certificate only: it is the evidence of who has moved it. */
  @Post()
  @Scopes('payments:write')
  @SenderConstrained('certificate')
  create(
    @Body() details: CreatePaymentDto,
    @AccessToken() token: VerifiedAccessToken,
    @ClientCertificate() certificate: PresentedCertificate,
  ): Payment {
    return this.payments.create(clientOf(token), details, certificate.thumbprint);
  }
}

function clientOf({ clientId }: VerifiedAccessToken): string {
  if (clientId === undefined) throw new ForbiddenException('The access token names no client.');
  return clientId;
}
