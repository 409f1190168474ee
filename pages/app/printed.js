// What the program prints, as much of its end as a page can hold.
const most = 200000; // characters
const pause = 50; // ms between two changes of the page, each of which costs a layout

export class Printed {
  #parts = []; // { stream, text, node }, the last ones of what was printed
  #size = 0;
  #dropped = null;
  #timer = 0;

  constructor(section, panel) {
    Object.assign(this, { section, panel });
  }

  get isEmpty() { return this.#size === 0; }

  add({ stream, text }) {
    const last = this.#parts.at(-1);
    if (last?.stream === stream && !last.node) last.text += text;
    else this.#parts.push({ stream, text });
    this.#size += text.length;
    this.#trim();
    this.#timer ||= setTimeout(() => this.flush(), pause);
  }

  // Whole parts go; of one that is too long, the beginning.
  #trim() {
    while (this.#size > most) {
      const [first] = this.#parts;
      const cut = Math.min(first.text.length, this.#size - most);
      this.#size -= cut;
      first.text = first.text.slice(cut);
      if (first.node) first.node.textContent = first.text;
      if (!first.text) {
        first.node?.remove();
        this.#parts.shift();
      }
      this.#dropped ??= this.#span('dropped', '(what was printed before is not kept)\n');
    }
  }

  #span(name, text) {
    const span = document.createElement('span');
    span.className = name;
    span.textContent = text;
    return span;
  }

  /** Shows what was added. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { panel } = this;
    const atEnd = panel.scrollHeight - panel.scrollTop - panel.clientHeight < 8;
    if (this.#parts.length) this.section.hidden = false;
    if (this.#dropped && !this.#dropped.isConnected) panel.prepend(this.#dropped);
    for (const part of this.#parts.filter(({ node }) => !node)) {
      part.node = this.#span(part.stream, part.text);
      panel.append(part.node);
    }
    if (atEnd) panel.scrollTop = panel.scrollHeight;
  }
}
