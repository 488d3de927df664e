import { Controller, Get } from '@nestjs/common';
import { Scopes } from 'nestjs-cert-bound-auth';
import { ANSWER, SCOPE } from './server-settings.js';

/** The API that is measured; without the module its decorators do nothing. */
@Controller('payments')
export class PaymentsController {
  @Get()
  list(): object {
    return ANSWER;
  }

  @Get('scoped')
  @Scopes(SCOPE)
  scoped(): object {
    return ANSWER;
  }
}

/** The same without a decorator of the library's, for apps that do not have it. */
@Controller('payments')
export class OpenPaymentsController {
  @Get()
  list(): object {
    return ANSWER;
  }

  @Get('scoped')
  scoped(): object {
    return ANSWER;
  }
}
