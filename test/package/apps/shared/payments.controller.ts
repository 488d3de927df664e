import { Controller, Get, Post, Req, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  AccessToken,
  ClientCertificate,
  type PresentedCertificate,
  Public,
  Scopes,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';

@Controller('payments')
@Scopes('payments:read')
export class PaymentsController {
  @Get()
  list(@AccessToken() token: VerifiedAccessToken): object {
    return { paymentsOf: token.clientId };
  }

  @Post()
  @Scopes('payments:write')
  create(
    @AccessToken() token: VerifiedAccessToken,
    @ClientCertificate() { subject, thumbprint, chainVerified }: PresentedCertificate,
  ): object {
    const isMine = thumbprint === token.confirmation.certificateThumbprint;
    return { initiatedBy: subject, isMine, chainVerified };
  }

  @Get('health')
  @Public()
  health(): string {
    return 'ok';
  }
}

/** Protected by Passport's guard, and by nothing else where the module registers no global guards. */
@Controller('passport')
@UseGuards(AuthGuard('cert-bound'))
export class PassportController {
  @Get()
  user(@Req() request: { readonly user: VerifiedAccessToken }): object {
    return { user: request.user.subject };
  }
}
