import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, test } from 'vitest';
import { CertificationAuthorities } from '../../../lib/client-certificate/chain/certification-authorities.js';
import { der } from '../../support/der.js';
import { issue, NOW, type Party } from './parties.js';

let root: Party;
beforeAll(async () => {
  root = await issue('root', { ca: true });
});

const ANY = Uint8Array.of(0x55, 0x1d, 0x20, 0);
const ONE = Uint8Array.of(0x2a, 3, 1);
const TWO = Uint8Array.of(0x2a, 3, 2);

const identifier = (bytes: Uint8Array): Buffer => der(6, bytes);

function policies(...names: readonly Uint8Array[]): x509.Extension {
  return new x509.Extension(
    '2.5.29.32',
    true,
    der(0x30, ...names.map((name) => der(0x30, identifier(name)))),
  );
}

function mapping(above: Uint8Array, below: Uint8Array): x509.Extension {
  const pair = der(0x30, identifier(above), identifier(below));
  return new x509.Extension('2.5.29.33', true, der(0x30, pair));
}

/** Demands a policy after so many certificates, or inhibits mappings after so many. */
function constraints(explicit: number | undefined, mappings?: number): x509.Extension {
  const members = [explicit, mappings].map((count, index) =>
    count === undefined ? '' : der(0x80 + index, Uint8Array.of(count)),
  );
  return new x509.Extension('2.5.29.36', true, der(0x30, ...members));
}

function inhibitAny(count: number): x509.Extension {
  return new x509.Extension('2.5.29.54', true, der(2, Uint8Array.of(count)));
}

/** What becomes of a client below a CA, with these extensions; `undefined` where it is accepted. */
async function outcomeOf(
  above: readonly x509.Extension[],
  below: readonly x509.Extension[],
  anchor: Party = root,
): Promise<string | undefined> {
  const ca = await issue('ca', { ca: true, issuer: anchor, extensions: above });
  const client = await issue('client', { issuer: ca, extensions: below });
  const authorities = new CertificationAuthorities([anchor.certificate], [ca.certificate]);
  const found = authorities.pathOf(client.certificate, [], NOW);
  return found.kind === 'path' ? undefined : found.kind === 'none' ? 'none' : found.error;
}

const LACKING = 'CN=client lacks the policy that a CA above it demands (policy constraints)';

describe('RFC5280-6.1: policies of a path', () => {
  test('Policies that nobody asks for constrain nothing', async () => {
    expect(await outcomeOf([policies(ONE)], [policies(TWO)])).toBeUndefined();
    expect(await outcomeOf([policies(ONE)], [])).toBeUndefined();
    expect(await outcomeOf([mapping(ONE, TWO)], [])).toBeUndefined();
    expect(await outcomeOf([inhibitAny(0)], [policies(ANY)])).toBeUndefined();
    expect(await outcomeOf([constraints(2)], [])).toBeUndefined();
  });

  test.each<[string, readonly x509.Extension[], readonly x509.Extension[], boolean]>([
    ['the same policy', [policies(ONE)], [policies(ONE)], true],
    ['one policy of several', [policies(ONE, TWO)], [policies(TWO)], true],
    ['another policy', [policies(ONE)], [policies(TWO)], false],
    ['no policy', [policies(ONE)], [], false],
    ['a policy below a CA without one', [], [policies(ONE)], false],
    ['a policy below a CA for any', [policies(ANY)], [policies(ONE)], true],
    ['any policy', [policies(ONE)], [policies(ANY)], true],
    ['any policy where that is none', [policies(ONE), inhibitAny(0)], [policies(ANY)], false],
    ['a policy that stands for another', [policies(ONE), mapping(ONE, TWO)], [policies(TWO)], true],
    ['a policy for which another stands', [policies(ONE), mapping(ONE, TWO)], [policies(ONE)], false],
  ])(
    'Where a CA demands a policy, a client with %s has one as it should',
    async (_, above, below, accepted) => {
      expect(await outcomeOf([...above, constraints(0)], below)).toBe(accepted ? undefined : LACKING);
    },
  );

  test('What the trusted CA demands holds too, and no policy stands for another where it inhibits that', async () => {
    const strict = await issue('strict', { ca: true, extensions: [constraints(0, 0)] });
    expect(await outcomeOf([policies(ONE)], [], strict)).toBe(LACKING);
    expect(await outcomeOf([policies(ONE)], [policies(ONE)], strict)).toBeUndefined();
    expect(await outcomeOf([policies(ONE), mapping(ONE, TWO)], [policies(TWO)], strict)).toBe(LACKING);
  });

  test.each<[string, x509.Extension]>([
    ['policy constraints that say nothing', new x509.Extension('2.5.29.36', true, der(0x30))],
    ['policies without a policy', new x509.Extension('2.5.29.32', false, der(0x30))],
    ['half a mapping', new x509.Extension('2.5.29.33', true, der(0x30, der(0x30, identifier(ONE))))],
    ['a number that is none', new x509.Extension('2.5.29.54', true, der(2))],
  ])('A CA is refused with %s', async (_, extension) => {
    expect(await outcomeOf([extension], [])).toMatch(/^(?:none|CN=ca can't be read: .*)$/);
  });

  test('Any policy stands for no other', async () => {
    expect(await outcomeOf([mapping(ANY, ONE)], [])).toMatch(/^none$|lacks the policy/);
  });
});
