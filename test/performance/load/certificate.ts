/** What a client of the benchmark proves itself with, and whom it trusts (PEM). */
export interface ClientIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}
