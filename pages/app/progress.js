// How far the start of an app is: four stages, with bytes where they are known.
const usual = [
  ['interpreter', 'Interpreter', 'Loading Python'],
  ['engine', 'Engine', 'Starting the engine'],
  ['packages', 'Packages', 'Unpacking packages'],
  ['program', 'Program', 'Running the program'],
];
// What else a stage can be.
const others = { snapshot: ['interpreter', 'Restoring Python'] };
const least = 50000; // bytes that are worth a word
const mega = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

export class Progress {
  #items = new Map();
  #shown = '';

  constructor(status, bar, list, stages = usual) {
    Object.assign(this, { status, bar, stages });
    for (const [name, label] of stages) {
      const item = document.createElement('li');
      item.textContent = label;
      list.append(item);
      this.#items.set(name, item);
    }
  }

  /** stage: a name of those, or of others; loaded, total: bytes, 0 where they are not known. */
  show({ stage: name, loaded = 0, total = 0 }) {
    const [stage, other] = others[name] ?? [name];
    const at = this.stages.findIndex(([each]) => each === stage);
    if (at < 0) return;
    const [, label, doing] = this.stages[at];
    if (name !== this.#shown) {
      this.#shown = name;
      this.status.textContent = `${other ?? doing}…`;
      [...this.#items.values()].forEach((item, i) => {
        item.classList.toggle('done', i < at);
        if (i === at) item.setAttribute('aria-current', 'step');
        else item.removeAttribute('aria-current');
      });
    }
    const part = total ? Math.min(1, loaded / total) : 0;
    this.#items.get(stage).textContent = total >= least
      ? `${label} ${mega(Math.min(loaded, total))} of ${mega(total)}` : label;
    this.bar.value = (at + part) / this.stages.length;
  }

  /** Nothing moves any more. */
  stop() {
    this.bar.hidden = true;
    this.status.textContent = this.#shown === 'program' ? 'The program has stopped with an error.'
      : 'The program could not be started.';
  }
}
