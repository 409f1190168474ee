// The worker of an app in one file.
import { Inside } from './files_inside.js';
import { serve } from './serve.js';

serve(({ sizes, files }, say) => new Inside(sizes, files, say));
