import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { invalidToken } from '../../lib/challenge/oauth-error.js';
import { REFUSAL_REASONS, toldOf } from '../../lib/challenge/reasons.js';
import { REMEDIES } from '../../lib/explain/remedies.js';

/** What docs/reasons.md says of a reason. */
interface Row {
  readonly reason: string;
  /** What the caller sees. */
  readonly seen: string;
  readonly cause: string;
  readonly remedy: string;
}

const text = readFileSync(new URL('../../docs/reasons.md', import.meta.url), 'utf8');
const rows = text
  .split(/^### /m)
  .slice(1)
  .flatMap((section) => readSection(section));

/** A reason: what the caller sees, its likely cause, and what to do, a paragraph each. */
function readSection(section: string): readonly Row[] {
  const [title = '', seen = '', cause = '', remedy = ''] = section
    .split(/\n\n(?!#)/)
    .map((part) => part.trim());
  const said = /^The caller sees: (.+)$/.exec(seen)?.[1];
  return /^`\w+`$/.test(title) && said !== undefined
    ? [
        {
          reason: title.slice(1, -1),
          seen: said.replaceAll('`', ''),
          cause: oneLine(cause),
          remedy: oneLine(remedy.replace(/^\*\*What to do:\*\* /, '').split(/\n\n?#/)[0] ?? ''),
        },
      ]
    : [];
}

function oneLine(paragraph: string): string {
  return paragraph.replaceAll(/\s+/g, ' ');
}

describe('the page docs/reasons.md', () => {
  test('docs/reasons.md has every reason once, in the order of the code, and no other', () => {
    expect(rows.map(({ reason }) => reason)).toEqual([...REFUSAL_REASONS]);
  });

  test('says of each reason what the caller sees, as the table of reasons has it', () => {
    const told = REFUSAL_REASONS.map((reason) => {
      const { status, code } = toldOf(reason);
      return [reason, code === undefined ? `${status}` : `${status} ${code}`];
    });
    expect(rows.map(({ reason, seen }) => [reason, seen])).toEqual(told);
  });

  test('says of each a cause and a remedy', () => {
    const empty = rows.filter(({ cause, remedy }) => !/\w.*\.$/.test(cause) || !/\w.*\.$/.test(remedy));
    expect(empty).toEqual([]);
  });
});

test('what the command explain says is to be done about a reason is what docs/reasons.md says', () => {
  const remedies = rows.map(({ reason, remedy }) => [
    reason,
    remedy.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1'),
  ]);
  expect(Object.entries(REMEDIES)).toEqual(remedies);
});

const lib = new URL('../../lib/', import.meta.url).pathname;

describe('the table of reasons', () => {
  test('the table of reasons has none that the code never gives', () => {
    const files = readdirSync(lib, { recursive: true, encoding: 'utf8' });
    const code = files
      .filter((name) => name.endsWith('.ts') && !name.endsWith('challenge/reasons.ts'))
      .map((name) => readFileSync(join(lib, name), 'utf8'))
      .join('\n');
    // The log alone has it, as part of a line.
    const quoted = (reason: string): string =>
      reason === 'context_unsupported' ? `reason=${reason}` : `'${reason}'`;
    expect(REFUSAL_REASONS.filter((reason) => !code.includes(quoted(reason)))).toEqual([]);
  });

  test('lets no reason be given for another answer than its own', () => {
    // @ts-expect-error -- a replayed proof is told as invalid_dpop_proof: this line does not compile without the comment
    const error = invalidToken('proof_replayed');
    expect(error.reason).toBe('proof_replayed');
  });
});
