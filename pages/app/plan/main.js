// The script of a folder's page without Python.
import { start } from '../app.js';
import { openSite } from '../site.js';
import { stages } from './stages.js';

start(() => openSite(new URL('./worker.js', import.meta.url)), stages);
