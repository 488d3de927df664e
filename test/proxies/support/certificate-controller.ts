import type { Socket } from 'node:net';
import { Controller, Get, Req } from '@nestjs/common';
import { ClientCertificate, type PresentedCertificate } from 'nestjs-cert-bound-auth';

/** What an app behind a proxy knows of its client. */
export interface ShownCertificate {
  readonly thumbprint?: string;
  readonly subject?: string;
  readonly chainVerified?: boolean;
  /** The connection that the proxy sent the request on, by its port; there is none on a unix socket. */
  readonly connection?: number;
}

/** Shows it. */
@Controller()
export class CertificateController {
  @Get() get(
    @Req() request: { readonly socket: Socket },
    @ClientCertificate() certificate?: PresentedCertificate,
  ): ShownCertificate {
    const { remotePort } = request.socket;
    const connection = remotePort === undefined ? {} : { connection: remotePort };
    if (certificate === undefined) return connection;
    const { thumbprint, subject, chainVerified } = certificate;
    return { thumbprint, subject, chainVerified, ...connection };
  }
}
