import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ForwardAuthOptions } from './forward-auth.options.js';

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: FORWARD_AUTH_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<ForwardAuthOptions>({ moduleName: 'ForwardAuth' })
  .setClassMethodName('forRoot')
  .build();
