// The script of a folder's page.
import { start } from './app.js';
import { lent } from './lent.js';
import { openSite } from './site.js';

start(async () => lent(await openSite()));
