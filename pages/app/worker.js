// The worker of an app in a folder: Python and the engine, on one thread.
import { Folder } from './files_folder.js';
import { serve } from './serve.js';

serve(({ sizes, base }, say) => new Folder(sizes, base, say));
