// The worker of a page without Python, in a folder.
import { Folder } from '../files_folder.js';
import { serve } from './serve.js';

serve(({ sizes, base }, say) => new Folder(sizes, base, say));
