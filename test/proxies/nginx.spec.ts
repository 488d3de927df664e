import { expect, test } from 'vitest';
import { describeForwarding } from './support/describe-forwarding.js';
import { NGINX } from './support/forwarding-proxies.js';

describeForwarding(NGINX, (world, start) => {
  test('INV2: a certificate that nginx passes on without verifying it is refused by the API for its verdict', async () => {
    const { as, call, logger } = await start({
      replace: { 'ssl_verify_client optional;': 'ssl_verify_client optional_no_ca;' },
    });
    const statusOf = async (certificate: typeof foreign): Promise<number> =>
      (await call({ token: await as.accessToken({ certificate }), certificate })).status;
    const { client1, foreign } = world();
    expect(await statusOf(client1)).toBe(200);
    expect(await statusOf(foreign)).toBe(401);
    expect(logger.ours.at(-1)?.text).toContain('the header x-ssl-client-verify is not SUCCESS');
  });
});
