import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SharedSignalsOptions } from '../../shared-signals/shared-signals.options.js';

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: SHARED_SIGNALS_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<SharedSignalsOptions>({ moduleName: 'SharedSignals' })
  .setClassMethodName('forRoot')
  .build();
