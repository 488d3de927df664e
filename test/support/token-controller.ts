import { Controller, Get } from '@nestjs/common';
import { AccessToken, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';

/** A token as {@link TokenController} answers it. */
export type ShownToken = Omit<VerifiedAccessToken, 'scopes'> & { readonly scopes: readonly string[] };

/** Shows its handler's token. */
@Controller()
export class TokenController {
  @Get() token(@AccessToken() token: VerifiedAccessToken): ShownToken {
    return { ...token, scopes: [...token.scopes] };
  }
}
