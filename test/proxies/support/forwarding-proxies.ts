import { join } from 'node:path';
import type { HeaderClientCertificateOptions } from 'nestjs-cert-bound-auth';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { inject } from 'vitest';

/** How docs/proxies has a proxy pass on the certificates of its clients. */
export interface ForwardingProxy {
  readonly kind: 'nginx' | 'haproxy' | 'apache' | 'caddy';
  /** Its configuration in docs/proxies. */
  readonly file: string;
  /** Whether it wants certificate and key in one file. */
  readonly oneFile?: true;
  /** How it writes a certificate into the header. */
  readonly write: (certificate: TestCertificate) => string;
  /** What becomes of a certificate that it does not accept: the handshake fails, or it answers so itself. */
  readonly onUnacceptable: 'no handshake' | 400;
  /** What becomes of a request with a certificate that is too long for a header. */
  readonly onTooLong: 431 | 401;
  /** What makes it share connections with the app among clients. @default it does */
  readonly sharing?: Readonly<Record<string, string>>;
}

export const NGINX: ForwardingProxy = {
  kind: 'nginx',
  file: 'nginx.conf',
  write: ({ cert }) => encodeURIComponent(cert),
  onUnacceptable: 400,
  onTooLong: 431,
};

export const HAPROXY: ForwardingProxy = {
  kind: 'haproxy',
  file: 'haproxy.cfg',
  oneFile: true,
  write: ({ der }) => der.toString('base64'),
  onUnacceptable: 'no handshake',
  // Its own buffer is as long, and it writes an empty header then.
  onTooLong: 401,
  sharing: { '  server api1': '  http-reuse always\n  server api1' },
};

export const APACHE: ForwardingProxy = {
  kind: 'apache',
  file: 'apache.conf',
  write: ({ cert }) => cert.trim().replaceAll('\n', ' '),
  onUnacceptable: 'no handshake',
  onTooLong: 431,
};

export const CADDY: ForwardingProxy = {
  kind: 'caddy',
  file: 'Caddyfile',
  write: ({ der }) => der.toString('base64'),
  onUnacceptable: 'no handshake',
  onTooLong: 431,
};

/** The sample of docs/proxies.md with what an app behind each proxy needs to know. */
type Sample = Readonly<
  Record<ForwardingProxy['kind'] | 'nginxByCertificate', HeaderClientCertificateOptions>
>;

/** What docs/proxies.md has an app know. */
export async function documentedSource(name: keyof Sample): Promise<HeaderClientCertificateOptions> {
  const sample = (await import(join(inject('proxySamples'), 'client-certificate.ts'))) as Sample;
  return sample[name];
}
