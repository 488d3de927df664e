import { expect, test } from 'vitest';
import { optionsDocument } from './options-document.js';

test('docs/options.md says what the comments of the options say (if not, run `npm run docs`)', async () => {
  await expect(await optionsDocument()).toMatchFileSnapshot('../../docs/options.md');
}, 60_000);

test('docs/options.md documents every option of DPoP and of the module, with its default', async () => {
  const text = await optionsDocument();
  for (const name of ['audience', 'maxProofLength', 'authorizationServers', 'trustedProxies', 'clientAuth']) {
    expect(text).toContain(`\n#### ${name}\n`);
  }
  expect(text).toMatch(/#### maxProofLength\n\n`number`\n\n[^#]*Default: `4096`/);
}, 60_000);
