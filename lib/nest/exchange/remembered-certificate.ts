import {
  type ClientCertificateSource,
  tlsClientCertificate,
} from '../../client-certificate/client-certificate.js';
import { recordOf } from './request-record.js';

/**
 * The certificate of the connection, remembered with the request: a handler may ask for it when the client has hung up in
 * the meantime.
 */
export const rememberedCertificate: ClientCertificateSource = (request) => {
  const record = recordOf(request);
  record.certificate ??= record.givenCertificate ?? tlsClientCertificate(request);
  return record.certificate;
};

/** Another source, but for a call of which the certificate is known already: what a connection has shown to another policy is no such. */
export function knownOr(source: ClientCertificateSource): ClientCertificateSource {
  return (request) => recordOf(request).givenCertificate ?? source(request);
}
