import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CREDENTIAL_HEADERS } from '../../lib/forward-auth/credential-headers.js';

function read(name: string): string {
  return readFileSync(new URL(`../../docs/proxies/${name}`, import.meta.url), 'utf8');
}

/** A value deep inside a document; `undefined` where there is none. */
function valueAt(document: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    document,
  );
}

describe('row 43: no proxy leaves one of the headers to the client', () => {
  test.each(['forward-auth-nginx.conf', 'forward-auth-caddy.Caddyfile', 'forward-auth-traefik.yml'])(
    'the sample %s overwrites every header of the endpoint',
    (file) => {
      const text = read(file);
      const missing = Object.values(CREDENTIAL_HEADERS).filter(
        (name) => !new RegExp(`${name}\\s`).test(text),
      );
      expect(missing).toEqual([]);
    },
  );

  test('the sample forward-auth-envoy.yaml removes every header of the endpoint that a client sends', () => {
    expect(read('forward-auth-envoy.yaml')).toContain(
      'patterns: [{ prefix: x-credential-, ignore_case: true }]',
    );
  });
});

describe('invariant 3: an outage is not a pass', () => {
  test('the sample for Envoy fails with 503 when it gets no answer', () => {
    const document: unknown = parse(read('forward-auth-envoy.yaml'));
    const filters = valueAt(document, 'static_resources', 'listeners', 0, 'filter_chains', 0, 'filters', 0);
    const asks = valueAt(filters, 'typed_config', 'http_filters', 0, 'typed_config');
    expect(asks).toMatchObject({
      failure_mode_allow: false,
      status_on_error: { code: 'ServiceUnavailable' },
    });
  });

  test('the sample for Traefik asks before anything else happens to a request, except for its certificate', () => {
    const document: unknown = parse(read('forward-auth-traefik.yml'));
    expect(valueAt(document, 'http', 'routers', 'api', 'middlewares')).toEqual([
      'certificate',
      'ask',
      'drop-credentials',
    ]);
  });
});
