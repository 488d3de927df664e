import type { HostileRow } from './hostile-row.js';
import { ACCEPTED_ROWS } from './rows/accepted.rows.js';
import { CLAIM_ROWS } from './rows/claims.rows.js';
import { CONFIRMATION_ROWS } from './rows/confirmation.rows.js';
import { FORM_ROWS } from './rows/form.rows.js';
import { INTROSPECTION_ROWS, OUTAGE_ROWS } from './rows/introspection.rows.js';
import { REQUEST_ROWS } from './rows/request.rows.js';
import { SCOPE_ROWS } from './rows/scope.rows.js';
import { SIGNATURE_ROWS } from './rows/signature.rows.js';

/** The whole table, written from the RFCs and not from the code. The outages come last. */
export const HOSTILE_ROWS: readonly HostileRow[] = [
  ...ACCEPTED_ROWS,
  ...REQUEST_ROWS,
  ...FORM_ROWS,
  ...SIGNATURE_ROWS,
  ...CLAIM_ROWS,
  ...CONFIRMATION_ROWS,
  ...SCOPE_ROWS,
  ...INTROSPECTION_ROWS,
  ...OUTAGE_ROWS,
];
