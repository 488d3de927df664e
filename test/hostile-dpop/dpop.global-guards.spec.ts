import { WAYS } from '../hostile/hostile-app.js';
import { describeDpopWay } from './describe-dpop-way.js';

describeDpopWay(WAYS.globalGuards);
