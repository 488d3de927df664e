import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { CreatePaymentDto } from './create-payment.dto.js';

/** A payment that a client has initiated. */
export interface Payment extends CreatePaymentDto {
  readonly id: string;
  readonly createdAt: string;
  /** Thumbprint of the certificate by which the client proved who it is: evidence for an audit. */
  readonly initiatedWith: string;
}

const MAX_CLIENTS = 1000;
const MAX_PAYMENTS = 100;

/** Keeps the latest payments of each client, in memory. */
@Injectable()
export class PaymentsService {
  private readonly payments = new LRUCache<string, readonly Payment[]>({ max: MAX_CLIENTS });

  list(clientId: string): readonly Payment[] {
    return this.payments.get(clientId) ?? [];
  }

  create(clientId: string, details: CreatePaymentDto, certificateThumbprint: string): Payment {
    const payment: Payment = {
      id: randomUUID(),
      createdAt: new Date().toISOString(),
      amount: details.amount,
      currency: details.currency,
      creditorIban: details.creditorIban,
      reference: details.reference,
      initiatedWith: certificateThumbprint,
    };
    this.payments.set(clientId, [...this.list(clientId), payment].slice(-MAX_PAYMENTS));
    return payment;
  }
}
