import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mutualTls } from 'nestjs-cert-bound-auth';
import { AppModule } from './app.module.js';
import { serveOpenApi } from './open-api.js';
import { readSettings } from './settings.js';

const { host, port, tls, issuer } = readSettings();
const app = await NestFactory.create(AppModule, {
  // A certificate is asked for, not required, so that every refusal is an HTTP answer and /health is open.
  httpsOptions: mutualTls({ ...tls, clientAuth: 'request' }),
  // At the level of debug the log says why a request was refused.
  logger: ['fatal', 'error', 'warn', 'debug'],
});
app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true }));
serveOpenApi(app, issuer);
app.enableShutdownHooks();
await app.listen(port, host);
