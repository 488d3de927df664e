/** Valid paths that are refused on purpose, each with a part of its reason. */
export const REFUSED_PATHS: Readonly<Record<string, string>> = {
  ValidDSASignaturesTest4: 'DSA SHA-1',
  ValidDSAParameterInheritanceTest5: 'DSA SHA-1',
  ValidpathLenConstraintTest8: 'the certificate is that of a CA',
  ValidpathLenConstraintTest14: 'the certificate is that of a CA',
  ValidonlyContainsCACertsCRLTest13: 'the certificate is that of a CA',
};

const OTHER_KEY = 'it is signed by another key of its CA';
const INDIRECT = 'it is indirect, which is not supported';
const RELATIVE = 'named relative to its CA, which is not supported';
const SOME_REASONS = 'it is of some reasons only, which is not supported';

/** Valid tests whose path is accepted, and whose lists are not, likewise. */
export const REFUSED_BY_LISTS: Readonly<Record<string, string>> = {
  ValidBasicSelfIssuedCRLSigningKeyTest6: OTHER_KEY,
  ValidBasicSelfIssuedNewWithOldTest4: OTHER_KEY,
  ValidBasicSelfIssuedOldWithNewTest1: OTHER_KEY,
  ValidSelfIssuedDNnameConstraintsTest19: OTHER_KEY,
  ValidSelfIssuedinhibitAnyPolicyTest7: OTHER_KEY,
  ValidSelfIssuedinhibitAnyPolicyTest9: OTHER_KEY,
  ValidSelfIssuedinhibitPolicyMappingTest7: OTHER_KEY,
  ValidSelfIssuedpathLenConstraintTest15: OTHER_KEY,
  ValidSelfIssuedpathLenConstraintTest17: OTHER_KEY,
  ValidSelfIssuedrequireExplicitPolicyTest6: OTHER_KEY,
  ValidSeparateCertificateandCRLKeysTest19: 'the key of its CA may not sign lists',
  ValidIDPwithindirectCRLTest22: INDIRECT,
  ValidIDPwithindirectCRLTest24: INDIRECT,
  ValidIDPwithindirectCRLTest25: INDIRECT,
  ValidcRLIssuerTest28: INDIRECT,
  ValidcRLIssuerTest29: INDIRECT,
  ValidcRLIssuerTest30: INDIRECT,
  ValidcRLIssuerTest33: INDIRECT,
  ValiddistributionPointTest4: 'it is of other certificates',
  ValiddistributionPointTest5: RELATIVE,
  ValiddistributionPointTest7: RELATIVE,
  ValidonlySomeReasonsTest18: SOME_REASONS,
  ValidonlySomeReasonsTest19: SOME_REASONS,
  // Its list has the serial number 255, which is the same octet as -1.
  ValidNegativeSerialNumberTest14: 'revoked',
  // Only a delta takes it from the list again.
  ValiddeltaCRLTest5: 'revoked',
};

/** Deltas are not read, which RFC 5280 §5.2.4 leaves to everybody: here the full list does not name the certificate yet. */
export const ACCEPTED_WITHOUT_DELTAS = ['InvaliddeltaCRLTest4'];
