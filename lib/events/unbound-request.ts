/** A request with a valid token that is bound to nothing, which `binding: 'required'` would refuse. */
export interface UnboundRequest {
  readonly issuer: string;
  readonly clientId?: string;
  readonly subject?: string;
  /** Method and path pattern: `GET /accounts/:id`. */
  readonly route: string;
}
