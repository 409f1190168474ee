// The app's files in the folder that the page came from.
import { Files } from './files.js';

export class Folder extends Files {
  async open(path, options) {
    const response = await this.elsewhere(this.address(path), options)
      .catch((error) => { throw this.lack(path, options?.integrity
        ? `${error.message}; or it is not the file that was written, by its hash` : error.message); });
    if (!response.ok) throw this.lack(path, `the server says ${response.status}`);
    this.#follow(path, response.clone()).catch(() => {}); // whoever reads the other hears of it
    return response;
  }

  // The response itself stays untouched, so that browsers keep the code that they compile from it.
  async #follow(path, { body }) {
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.count(path, value.length);
    }
  }

  module(path) {
    return import(this.address(path)).catch((error) => { throw this.lack(path, error.message); });
  }

  modules(folder) { return this.address(folder); }
}
