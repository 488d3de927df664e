import { Controller, Get } from '@nestjs/common';
import { Public } from 'nestjs-cert-bound-auth';

/** Open to everybody: no token, no certificate. */
@Controller('health')
@Public()
export class HealthController {
  @Get()
  check(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }
}
