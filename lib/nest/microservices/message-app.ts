import type { ModulesContainer } from '@nestjs/core';
import type { MessageSettings } from '../../options/messages.settings.js';
import type { AppAuthenticator } from '../exchange/app-authenticator.js';

/** An app that messages come to, and how it wants them protected. */
export interface MessageApp {
  /** Its modules: what it has in common with all of its microservices, and with no other app. */
  readonly modules: ModulesContainer;
  readonly authenticator: AppAuthenticator;
  /** Whether every handler is protected that is not public, or only those of which something is demanded. */
  readonly protectsAll: boolean;
  readonly settings: MessageSettings;
}
