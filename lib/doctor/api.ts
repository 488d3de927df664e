import type { KeyObject } from 'node:crypto';
import type { HeaderCertificateSettings } from '../client-certificate/certificate-settings.js';

/** A certificate, and the key that proves it: PEM. */
export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
}

/** An API as its clients see it, and what is known of it. */
export interface Api {
  readonly url: URL;
  /** CAs of its certificate, PEM. @default those of Node */
  readonly ca: string | undefined;
  readonly client: ClientIdentity | undefined;
  /** Of somebody else, whom the server trusts as well. */
  readonly other: ClientIdentity | undefined;
  /** An access token of the client. */
  readonly token: string | undefined;
  /** The key that the token is bound to by DPoP. */
  readonly dpopKey: KeyObject | undefined;
  /** The API itself, where the URL leads to a proxy. */
  readonly backend: URL | undefined;
  /** What the configuration says, where there is one. */
  readonly configured: ConfiguredApi | undefined;
}

/** What a configuration says of an API. */
export interface ConfiguredApi {
  readonly issuers: readonly string[];
  /** Where DPoP is accepted, as far as it is known without a request. */
  readonly publicUrls: readonly string[] | undefined;
  /** Where a proxy passes certificates on. */
  readonly header: HeaderCertificateSettings | undefined;
}
