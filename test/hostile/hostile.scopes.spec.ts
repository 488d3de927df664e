import { describeWay } from './describe-way.js';
import { WAYS } from './hostile-app.js';
import { TABLES } from './tables.js';

for (const table of TABLES) describeWay(WAYS.scopes, table);
