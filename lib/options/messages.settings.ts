import type { MessageOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { Declares } from './declared-options.js';
import { Given, IsFunction, Satisfies } from './option-checks.js';

/** How messages are protected. */
export type MessageSettings = SettingsOf<MessageOptions, 'findCredentials'>;

@Declares<MessageOptions>()
export class CheckedMessageOptions implements MessageSettings {
  @Given()
  @IsFunction('give a function (context, data) => { authorization, certificate? } or undefined')
  readonly findCredentials: MessageSettings['findCredentials'];

  @Given()
  @Satisfies(
    'grpcMethods',
    `give a list of methods or services of gRPC, as '/grpc.health.v1.Health/Check' or '/grpc.health.v1.Health'`,
    areGrpcMethods,
  )
  readonly publicMethods: MessageSettings['publicMethods'] = [];
}

function areGrpcMethods(value: unknown): boolean {
  return Array.isArray(value) && value.every((path) => /^\/[\w.]+(?:\/\w+)?$/.test(String(path)));
}
