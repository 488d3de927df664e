import { describeWay } from './describe-way.js';
import { WAYS } from './hostile-app.js';

describeWay(WAYS.bindingGuardFirst);
