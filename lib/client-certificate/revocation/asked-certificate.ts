import type { X509Certificate } from 'node:crypto';
import type { ListSigners } from '../chain/certification-path.js';

/** A certificate that lists are asked about. */
export interface AskedCertificate {
  readonly certificate: X509Certificate;
  /** Which has issued it, and is looked up itself. */
  readonly ca: X509Certificate;
  /** Who else may sign lists. */
  readonly listSigners: ListSigners;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
