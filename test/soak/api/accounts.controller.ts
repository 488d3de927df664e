import { Controller, Get } from '@nestjs/common';
import { AccessToken, Public, Scopes, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';
import { SCOPE } from '../settings.js';

/** Shows whose token it was, so that nobody is taken for another. */
@Controller('accounts')
export class AccountsController {
  @Get() any(@AccessToken() { subject }: VerifiedAccessToken): object {
    return { subject };
  }

  @Get('scoped') @Scopes(SCOPE) scoped(@AccessToken() { subject }: VerifiedAccessToken): object {
    return { subject };
  }

  @Get('public') @Public() open(): object {
    return {};
  }
}
