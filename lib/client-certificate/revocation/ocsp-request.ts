import type { CertificateId } from './certificate-id.js';
import type { OcspPackage } from './ocsp-package.js';

/** By SHA-1, which identifies and secures nothing here: many responders know no other (RFC 5019 §2.1.1). */
const SHA_1 = '1.3.14.3.2.26';

/** Writes a question about one certificate (RFC 6960 §4.1). @param nonce what the answer may echo */
export function ocspRequest(
  id: CertificateId,
  nonce: Buffer | undefined,
  { ocsp, schema, x509 }: OcspPackage,
): Buffer {
  const reqCert = new ocsp.CertID({
    hashAlgorithm: new x509.AlgorithmIdentifier({ algorithm: SHA_1, parameters: null }),
    issuerNameHash: new schema.OctetString(Buffer.from(id.issuerNameHash('sha1'), 'hex')),
    issuerKeyHash: new schema.OctetString(Buffer.from(id.issuerKeyHash('sha1'), 'hex')),
    serialNumber: new Uint8Array(Buffer.from(id.serialNumber, 'hex')).buffer,
  });
  const tbsRequest = new ocsp.TBSRequest({ requestList: [new ocsp.Request({ reqCert })] });
  if (nonce !== undefined) {
    const extnValue = new schema.OctetString(
      schema.AsnConvert.serialize(new schema.OctetString(new Uint8Array(nonce))),
    );
    tbsRequest.requestExtensions = [
      new x509.Extension({ extnID: ocsp.id_pkix_ocsp_nonce, critical: false, extnValue }),
    ];
  }
  return Buffer.from(schema.AsnConvert.serialize(new ocsp.OCSPRequest({ tbsRequest })));
}
