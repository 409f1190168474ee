// The script of a page without Python that is one file.
import { start } from '../app.js';
import { openInside } from '../open_inside.js';
import { stages } from './stages.js';

start(openInside, stages);
