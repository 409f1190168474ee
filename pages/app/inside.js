// The script of a page that is one file.
import { start } from './app.js';
import { openInside } from './open_inside.js';

start(openInside);
