import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { describeOpenApi } from 'nestjs-cert-bound-auth';

/** Serves the API's description at `/docs`, and as JSON at `/docs-json`, to everyone. */
export function serveOpenApi(app: INestApplication, issuer: string): void {
  SwaggerModule.setup('docs', app, () => describeApi(app, issuer));
}

/** Which routes need these two schemes, and with which scopes, is told by what the app enforces. */
export function describeApi(app: INestApplication, issuer: string): OpenAPIObject {
  const document = new DocumentBuilder()
    .setTitle('Open banking sample')
    .setOpenAPIVersion('3.1.0')
    .addOAuth2(
      {
        type: 'oauth2',
        flows: {
          clientCredentials: {
            tokenUrl: `${issuer}/token`,
            scopes: {
              'accounts:read': 'See accounts',
              'payments:read': "See the client's own payments",
              'payments:write': 'Initiate payments',
            },
          },
        },
      },
      'oauth2',
    )
    .addSecurity('mutualTLS', {
      // Of OpenAPI 3.1, which the types of @nestjs/swagger do not know yet.
      type: 'mutualTLS' as 'http',
      description:
        'The certificate that the token is bound to. To read, a token that is bound to a key of DPoP (RFC 9449) does as well.',
    })
    .build();
  return describeOpenApi(app, SwaggerModule.createDocument(app, document));
}
