// The element <gradio-lite>: a program whose interface is a part of somebody's page. It is drawn apart
// from the page (in a shadow tree): neither's styles change the other.
import { bootIn } from '../host.js';
import { Snapshot } from '../snapshot.js';
import { connect } from './host.js';
import { make } from './dom.js';
import { mount } from './render.js';

const stages = { interpreter: 'Loading Python', engine: 'Starting the engine',
  packages: 'Unpacking packages', program: 'Running the program' };
const others = { snapshot: ['interpreter', 'Restoring Python'] };
const looks = `:host { display: block; padding: 1rem; border-radius: 0.75rem; }
:host([hidden]) { display: none; }
.gr-notes { margin: 0.75rem 0 0; color: var(--soft); font-size: 0.9rem; }`;

let turn = Promise.resolve(); // programs start one after the other: each takes a Python of its own
let kept = Promise.resolve(); // the snapshot that one has made, from which those after it start
const patience = 5000; // ms for a browser to keep it

const inTime = (promise) => Promise.race([promise,
  new Promise((resolve) => { setTimeout(resolve, patience); })]);

class View {
  constructor(root) {
    this.status = make('p', { class: 'status', role: 'status' }, 'Loading…');
    this.bar = make('progress', { max: 1, value: 0, 'aria-label': 'Start of the program' });
    this.face = make('div', {});
    this.notes = make('div', {});
    root.replaceChildren(this.status, this.bar, this.face, this.notes);
  }

  stage({ stage, loaded, total }) {
    const [name, doing = stages[name] ?? name] = others[stage] ?? [stage];
    this.status.textContent = `${doing}…`;
    const at = Object.keys(stages).indexOf(name);
    this.bar.value = (at + (total ? Math.min(1, loaded / total) : 0)) / 4;
  }

  note({ text }) { this.notes.append(make('p', { class: 'gr-notes' }, text)); }

  fail({ message, title, traceback, advice }) {
    this.bar.remove();
    this.status.textContent = title ? `${title}: ${message}` : message;
    this.status.classList.add('failed');
    this.status.setAttribute('role', 'alert');
    if (traceback) {
      this.face.append(make('pre', { class: 'gr-trace', tabindex: 0 }, traceback));
    }
    if (advice) this.face.append(make('p', {}, advice));
  }

  done() {
    this.status.remove();
    this.bar.remove();
  }
}

/** Defines the element. read(element): its program, as open takes it; open(program): a promise of
 *  { worker, boot }; styles: a promise of the text of the style sheets. */
export function define({ read, open, styles }) {
  class GradioLite extends HTMLElement {
    #program = null;
    #worker = null;
    #view = null; // while the element is in the page
    #leave = () => {};

    connectedCallback() {
      if (this.#view) return;
      const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
      this.#program ??= Promise.resolve(read(this));
      this.#program.catch(() => {}); // what fails is said when it is opened
      this.replaceChildren();
      const scheme = this.getAttribute('theme');
      if (scheme === 'dark' || scheme === 'light') this.style.colorScheme = scheme;
      const view = new View(root);
      this.#view = view;
      const least = this.getAttribute('initial-height');
      if (least) view.status.style.minHeight = least;
      this.#dress(root);
      if (this.hasAttribute('eager')) this.#start(view);
      else this.#whenSeen(() => this.#start(view));
    }

    disconnectedCallback() {
      queueMicrotask(() => {
        if (this.isConnected) return; // it was moved
        this.#worker?.terminate();
        this.#worker = null;
        this.#view = null;
        this.#leave();
      });
    }

    #dress(root) {
      styles().then((text) => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text + looks);
        root.adoptedStyleSheets = [sheet, ...root.adoptedStyleSheets];
      }, () => {}); // the program works without
    }

    #whenSeen(act) {
      const observer = new IntersectionObserver((entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        act();
      }, { rootMargin: '50%' });
      observer.observe(this);
    }

    #start(view) {
      turn = turn.then(() => {
        if (this.#view !== view) return null;
        const left = new Promise((resolve) => { this.#leave = resolve; });
        return Promise.race([this.#run(view), left]); // a worker that has been ended says nothing
      });
    }

    async #run(view) {
      try {
        await inTime(kept);
        const { worker, boot } = await open(await this.#program);
        if (this.#view !== view) {
          worker.terminate();
          return;
        }
        this.#worker = worker;
        const snapshot = await Snapshot.find(boot.app.snapshot);
        const { config } = await bootIn(worker, { ...boot, snapshot: snapshot.given }, {
          stage: (message) => view.stage(message),
          note: (message) => view.note(message),
          // eslint-disable-next-line no-console -- where Gradio-Lite printed as well
          print: ({ text }) => console.info(text.trimEnd()),
          snapshot: (message) => { kept = snapshot.take(message); },
          lost: (error) => view.fail(error),
        }, snapshot.transfer);
        if (!config) throw new Error('The program launched no interface: call launch() in it.');
        view.done();
        const title = this.hasAttribute('control-page-title') ? config.title : null;
        mount(view.face, { ...config, title }, connect(worker));
      } catch (error) {
        view.fail(error);
      }
    }
  }
  customElements.define('gradio-lite', GradioLite);
}
