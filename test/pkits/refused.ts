/** Valid paths that are refused on purpose, each with a part of its reason. */
export const REFUSED_PATHS: Readonly<Record<string, string>> = {
  ValidDSASignaturesTest4: 'DSA SHA-1',
  ValidDSAParameterInheritanceTest5: 'DSA SHA-1',
  ValidpathLenConstraintTest8: 'the certificate is that of a CA',
  ValidpathLenConstraintTest14: 'the certificate is that of a CA',
  ValidonlyContainsCACertsCRLTest13: 'the certificate is that of a CA',
};

/** Valid tests whose path is accepted, and whose lists are not, likewise. */
export const REFUSED_BY_LISTS: Readonly<Record<string, string>> = {
  // Its list has the serial number 255, which is the same octet as -1.
  ValidNegativeSerialNumberTest14: 'revoked',
  // Nobody but the signer of the list says that the signer is not revoked.
  ValidcRLIssuerTest30: 'whether its signer counts',
};
