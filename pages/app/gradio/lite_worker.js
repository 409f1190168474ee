// The worker of a <gradio-lite>: what the folder has, but for the program, which is another file of it,
// or written in a page.
import { Folder } from '../files_folder.js';
import { serve } from '../serve.js';
import { zip } from './zip.js';

const place = 'python/app.zip';

class Written extends Folder {
  constructor({ sizes, base, sources, archive }, say) {
    super(sizes, base, say);
    this.program = sources && zip(sources);
    this.archive = archive;
  }

  async open(path, options) {
    if (path !== place) return super.open(path, options);
    return this.program ? new Response(this.program) : super.open(this.archive, options);
  }
}

serve((message, say) => new Written(message, say));
