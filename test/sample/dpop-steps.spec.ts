import type { INestApplication } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DemoClient } from '../../sample-app/development/demo-client.js';
import { outcomeOf } from '../../sample-app/development/demo-outcome.js';
import { PAYMENT } from '../../sample-app/development/demo-step.js';
import { dpopSteps } from '../../sample-app/development/dpop-steps.js';
import { PLATFORMS } from '../support/platforms.js';
import { startSampleApi } from './support/api.js';
import {
  type SampleAuthorizationServer,
  startSampleAuthorizationServer,
} from './support/authorization-server.js';

describe.each(PLATFORMS)("the sample's API and a real authorization server on %s", (platform) => {
  let as: SampleAuthorizationServer;
  let app: INestApplication;
  let client: DemoClient;

  beforeAll(async () => {
    as = await startSampleAuthorizationServer();
    const api = await startSampleApi(platform, as);
    app = api.app;
    client = new DemoClient({ ...as, apiUrl: api.apiUrl });
  });
  afterAll(async () => {
    await app.close();
    await as.stop();
  });

  it('RFC9449-1, -3, -4, -6, -8: every step of the demo with DPoP comes out as expected', async () => {
    const came: string[] = [];
    const steps = await dpopSteps({ client });
    for (const step of steps) came.push(`${step.tried}: ${outcomeOf(await step.run())}`);

    expect(came).toStrictEqual(steps.map(({ tried, expected }) => `${tried}: ${expected}`));
  });

  it('RFC8705-1: a client with a certificate is served beside clients with DPoP', async () => {
    const token = await client.token('client1', 'client1', 'accounts:read payments:write');

    const read = await client.call('/accounts', { token, certificate: 'client1' });
    const paid = await client.call('/payments', {
      token,
      certificate: 'client1',
      method: 'POST',
      body: PAYMENT,
    });
    const stolen = await client.call('/accounts', { token, certificate: 'client2' });

    expect([read, paid, stolen].map(outcomeOf)).toStrictEqual(['200', '201', '401 invalid_token']);
  });
});
