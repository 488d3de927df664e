import { Controller, Get } from '@nestjs/common';
import { Scopes } from 'nestjs-cert-bound-auth';

/** A bank account. */
export interface Account {
  readonly iban: string;
  readonly currency: string;
  /** Decimal, as a string: amounts of money are no floating-point numbers. */
  readonly balance: string;
}

const ACCOUNTS: readonly Account[] = [
  { iban: 'DE89370400440532013000', currency: 'EUR', balance: '1520.40' },
  { iban: 'FR1420041010050500013M02606', currency: 'EUR', balance: '87.15' },
];

@Controller('accounts')
@Scopes('accounts:read')
export class AccountsController {
  @Get()
  list(): readonly Account[] {
    return ACCOUNTS;
  }
}
