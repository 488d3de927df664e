// An app that has none of the optional peers. It prints what becomes of a request without a token, and of a boot with CAs
// that verify chains.
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';

/** A certificate without a key. */
const CA = `-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIUYXd//nD1Owwt64BqzWNfY4B/xyswCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMQ0Egb2YgYSB0ZXN0MCAXDTI2MTEyNzIxNTQ0MFoYDzIxMjYx
MTAzMjE1NDQwWjAXMRUwEwYDVQQDDAxDQSBvZiBhIHRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARUDeaCePEhXzSGMeF+KjX0TMXEzbRC0OjuB/3yUvII+RT5
G0GnpaoZgXSUh/QzlEndk0NE1iC9oa/5xqsppySjo1MwUTAdBgNVHQ4EFgQUwK7B
zKPmJwt6Xk03KmPt22G+g80wHwYDVR0jBBgwFoAUwK7BzKPmJwt6Xk03KmPt22G+
g80wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiApewR2fD239jpi
3NxXaXrg0vlk8xxViNkB0ZHMVNxO2QIhAJcSHrK32uWBb7S0uVk87AebSVXvXxRb
nmvQ2ttXMYa0
-----END CERTIFICATE-----`;

class PaymentsController {
  list() {
    return [];
  }
}
Controller('payments')(PaymentsController);
Get()(
  PaymentsController.prototype,
  'list',
  Object.getOwnPropertyDescriptor(PaymentsController.prototype, 'list'),
);

async function start(options) {
  const imports = [
    CertBoundAuthModule.forRoot({
      audience: 'https://api.example.com',
      authorizationServers: [{ issuer: 'https://as.example.com' }],
      ...options,
    }),
  ];
  class AppModule {}
  Module({ imports, controllers: [PaymentsController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

void (async () => {
  const dpop = { publicUrl: 'https://api.example.com' };
  const app = await start({ dpop });
  const { status } = await fetch(`${await app.getUrl()}/payments`);
  await app.close();
  const clientCertificate = {
    from: 'header',
    header: 'x-client-cert',
    format: 'pem',
    trustedProxies: ['loopback'],
    trust: { ca: CA },
  };
  const message = await start({ clientCertificate }).then(
    async (verifying) => {
      await verifying.close();
      return 'booted';
    },
    (error) => error.message,
  );
  console.log(JSON.stringify({ status, verifying: message }));
})();
