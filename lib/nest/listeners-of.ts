import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import { DecisionListener } from '../events/decision-listener.js';

/** Whatever any module of the app provides as a listener. @throws Error for one that is not a singleton */
export function listenersOf(modules: ModulesContainer, moduleRef: ModuleRef): readonly DecisionListener[] {
  const isProvided = [...modules.values()].some(({ providers }) => providers.has(DecisionListener));
  if (!isProvided) return [];
  return moduleRef.get<DecisionListener, DecisionListener>(DecisionListener, { strict: false, each: true });
}
