// The script of a folder's page.
import { start } from './app.js';
import { openSite } from './site.js';

start(openSite);
