import { type CustomDecorator, SetMetadata } from '@nestjs/common';
import { PUBLIC_METADATA } from './route-policy.js';

/**
 * Opens a class or a method to everyone: credentials are not looked at, `@AccessToken()` is `undefined`. A rule
 * on a method beats it on the class.
 */
export function Public(): CustomDecorator {
  return SetMetadata(PUBLIC_METADATA, true);
}
