import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { BindingMethod } from '../decision.js';

/** Attributes without those that have no value, which would count as values of their own. */
export function definedAttributes(
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** `certificate`, `dpop`, `certificate+dpop`, or `none`. */
export function renderBoundBy(boundBy: readonly BindingMethod[]): string {
  return boundBy.length === 0 ? 'none' : boundBy.join('+');
}
