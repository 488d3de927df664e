import { readFileSync } from 'node:fs';

/** The API's settings. All of them come from the environment, as in production. */
export interface Settings {
  /** The address and port that the API listens on. */
  readonly host: string;
  readonly port: number;
  /** The URL of the API as its clients see it. */
  readonly publicUrl: string;
  /** The API's own certificate and key, and the CA of its clients and of the authorization server (PEM). */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  /** The authorization server whose tokens are accepted. */
  readonly issuer: string;
  /** The credentials with which the API looks up opaque tokens. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the nonces of DPoP are made from: the same for all instances of the API. */
  readonly nonceSecret: string;
}

/** Reads the settings; throws an error that names every variable that is missing. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const missing: string[] = [];
  const required = (name: string): string => {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    missing.push(name);
    return '';
  };
  const names = {
    key: required('KEY_FILE'),
    cert: required('CERT_FILE'),
    ca: required('CA_FILE'),
    publicUrl: required('PUBLIC_URL'),
    issuer: required('ISSUER'),
    clientId: required('API_CLIENT_ID'),
    clientSecret: required('API_CLIENT_SECRET'),
    nonceSecret: required('NONCE_SECRET'),
  };
  if (missing.length > 0) throw new Error(`Not set: ${missing.join(', ')}`);
  return {
    host: env['HOST'] || '127.0.0.1',
    port: Number(env['PORT'] || 8443),
    publicUrl: names.publicUrl,
    tls: {
      key: readFileSync(names.key, 'utf8'),
      cert: readFileSync(names.cert, 'utf8'),
      ca: readFileSync(names.ca, 'utf8'),
    },
    issuer: names.issuer,
    clientId: names.clientId,
    clientSecret: names.clientSecret,
    nonceSecret: names.nonceSecret,
  };
}
