import type { DpopRow } from './dpop-row.js';
import { ACCEPTED_ROWS } from './rows/accepted.rows.js';
import { CLAIM_ROWS } from './rows/claims.rows.js';
import { CONFIRMATION_ROWS } from './rows/confirmation.rows.js';
import { CREDENTIALS_ROWS } from './rows/credentials.rows.js';
import { FORM_ROWS } from './rows/form.rows.js';
import { KEY_ROWS } from './rows/key.rows.js';
import { REPLAY_ROWS } from './rows/replay.rows.js';
import { TARGET_ROWS } from './rows/target.rows.js';
import { OUTAGE_ROWS, TOKEN_ROWS } from './rows/token.rows.js';

/** The whole table, written from RFC 9449 and not from the code. The outages come last. */
export const DPOP_ROWS: readonly DpopRow[] = [
  ...ACCEPTED_ROWS,
  ...CREDENTIALS_ROWS,
  ...FORM_ROWS,
  ...KEY_ROWS,
  ...CLAIM_ROWS,
  ...TARGET_ROWS,
  ...REPLAY_ROWS,
  ...CONFIRMATION_ROWS,
  ...TOKEN_ROWS,
  ...OUTAGE_ROWS,
];
