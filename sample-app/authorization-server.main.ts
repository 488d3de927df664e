import { readFileSync } from 'node:fs';
import { createAuthorizationServer } from './authorization-server.js';

// The process of the authorization server: `npm start` runs it beside the API.

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

function read(name: string): string {
  return readFileSync(setting(name), 'utf8');
}

createAuthorizationServer({
  issuer: setting('ISSUER'),
  tls: { key: read('KEY_FILE'), cert: read('CERT_FILE'), ca: read('CA_FILE') },
  api: { clientId: setting('API_CLIENT_ID'), clientSecret: setting('API_CLIENT_SECRET') },
  partnerSecret: setting('PARTNER_SECRET'),
})
  .once('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .listen(Number(setting('AS_PORT')), setting('HOST'));
