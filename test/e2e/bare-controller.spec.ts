import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CertificateBindingGuard, Scopes, ScopesGuard, SenderConstrained } from 'nestjs-cert-bound-auth';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { whenOver } from '../support/world.js';

@Controller('payments')
@Scopes('payments:read')
class PaymentsController {
  @Get() list(): readonly string[] {
    return ['payment'];
  }
  @Get('scoped') @Scopes('payments:all') scoped(): string {
    return 'in';
  }
  @Get('constrained') @SenderConstrained('certificate') constrained(): string {
    return 'in';
  }
  @Get('bound') @UseGuards(CertificateBindingGuard) bound(): string {
    return 'in';
  }
  @Get('guarded') @UseGuards(ScopesGuard) guarded(): string {
    return 'in';
  }
}

@Module({ controllers: [PaymentsController] })
class BareModule {}

describe('a controller with decorators of this module, in an app that does not import it', () => {
  test('a spec as `nest generate controller` makes it compiles, and calls the methods', async () => {
    const module = await Test.createTestingModule({ controllers: [PaymentsController] }).compile();
    expect(module.get(PaymentsController).list()).toEqual(['payment']);
  });

  test.each(PLATFORMS)(
    'INV12: none of its routes is open on %s, and the log says what is missing',
    async (platform) => {
      const logger = new RecordingLogger();
      const app = await startApp(platform, BareModule, undefined, { logger });
      whenOver(async () => app.close());
      for (const path of ['', '/scoped', '/constrained', '/bound', '/guarded']) {
        const response = await supertest(app.getHttpServer()).get(`/payments${path}`);
        expect(response.status, path).toBe(500);
        expect(response.text).not.toContain('CertBoundAuthModule');
      }
      const told = logger.lines.filter(({ text }) => text.includes('CertBoundAuthModule is not imported'));
      expect(told).toHaveLength(5);
    },
  );
});
