import { MalformedValue } from './malformed-value.js';

/**
 * Percent-decodes (RFC 3986 §2.1), once. Never form-decodes: a `+` is a digit of base64, not a space.
 * @throws MalformedValue
 */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MalformedValue('its percent-encoding is broken');
  }
}
