import type { CertificatePolicyOptions, CertificateRule } from '../../cert-bound-auth.options.js';
import { messageOf } from '../../common/message-of.js';
import { parseRule, type Rule } from './rules.js';

/** Rules as they are at present: the same object until they change. */
export type CurrentRules = readonly Rule[] | { readonly fault: string } | undefined;

/** Makes what says which rules hold at present. A list that the app returns again is not read again. */
export function ruleList(given: CertificatePolicyOptions['allow']): () => CurrentRules {
  if (typeof given !== 'function') {
    const rules = given?.map(parseRule);
    return () => rules;
  }
  let list: readonly CertificateRule[] | undefined;
  let rules: CurrentRules;
  return () => {
    const latest = latestOf(given);
    if ('fault' in latest) return latest;
    if (latest.list !== list) {
      list = latest.list;
      rules = readRules(list);
    }
    return rules;
  };
}

function latestOf(
  given: () => readonly CertificateRule[],
): { readonly list: readonly CertificateRule[] } | { readonly fault: string } {
  try {
    const list: unknown = given();
    return Array.isArray(list) ? { list: list as readonly CertificateRule[] } : NO_LIST;
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

const NO_LIST = { fault: 'the function returned no list' };

function readRules(list: readonly CertificateRule[]): CurrentRules {
  try {
    return list.map(parseRule);
  } catch (error) {
    return { fault: messageOf(error) };
  }
}
