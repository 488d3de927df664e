/** A request that was let in with a token that is bound to nothing, and that `binding: 'required'` would refuse. */
export interface UnboundRequest {
  readonly issuer: string;
  readonly clientId?: string;
  readonly subject?: string;
  /** Method and path pattern: `GET /accounts/:id`. */
  readonly route: string;
}
