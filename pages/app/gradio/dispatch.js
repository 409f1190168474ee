// Events of the page become calls of the program's functions, and their answers changes of it.
import { meter } from './notices.js';

/** page: { nodes, apply(id, changed), payload(id), say(notice) }. */
export class Dispatcher {
  constructor(dependencies, page, host) {
    this.dependencies = dependencies;
    this.page = page;
    this.host = host;
    this.running = new Map(); // dependency id: a set of AbortController
    this.waiting = new Map(); // dependency id: the event that came last while it ran
  }

  listens(id, event) {
    return this.dependencies.some(({ targets }) => targets.some(([target, name]) =>
      target === id && name === event));
  }

  emit(id, event, data = {}) {
    for (const dependency of this.dependencies) {
      if (dependency.targets.some(([target, name]) => target === id && name === event)) {
        this.trigger(dependency, { ...data, target: id });
      }
    }
  }

  trigger(dependency, event) {
    const { id, trigger_mode: mode } = dependency;
    if (this.running.get(id)?.size) {
      if (mode === 'once') return;
      if (mode === 'always_last') {
        this.waiting.set(id, event);
        return;
      }
    }
    this.run(dependency, event);
  }

  cancel(ids) {
    for (const id of ids) {
      this.waiting.delete(id);
      for (const controller of this.running.get(id) ?? []) controller.abort();
    }
  }

  async run(dependency, event) {
    this.cancel(dependency.cancels);
    if (!dependency.backend_fn) {
      this.after(dependency, true, event);
      return;
    }
    const controller = new AbortController();
    const { id } = dependency;
    if (!this.running.has(id)) this.running.set(id, new Set());
    this.running.get(id).add(controller);
    const done = this.look(dependency);
    let succeeded = true;
    try {
      const values = await Promise.all(dependency.inputs.map((input) => this.page.payload(input)));
      await this.host.call(id, { values, event }, { signal: controller.signal,
        onUpdate: (changes) => dependency.outputs.forEach((output, i) =>
          this.page.apply(output, changes[i])),
        onProgress: (message) => {
          if (message.kind === 'message') this.page.say(message);
          else done.tell(message);
        } });
    } catch (error) {
      succeeded = false;
      if (!error.cancelled && error.visible !== false) {
        this.page.say({ level: 'error', title: error.title ?? 'Error', message: error.message,
          traceback: error.traceback, duration: error.duration });
      }
    }
    done.end(succeeded);
    this.running.get(id).delete(controller);
    this.after(dependency, succeeded, event);
    if (this.waiting.has(id)) {
      const next = this.waiting.get(id);
      this.waiting.delete(id);
      this.trigger(dependency, next);
    }
  }

  after(dependency, succeeded, event) {
    for (const next of this.dependencies) {
      if (next.trigger_after === dependency.id && (next.trigger_only === null
        || (next.trigger_only === 'success') === succeeded)) this.trigger(next, event);
    }
  }

  // While a function runs its outputs are busy, and buttons that stop it are there.
  look({ outputs, show_progress: kind, while_running: swapped }) {
    const shown = kind === 'hidden' ? [] : outputs.map((id) => this.page.nodes.get(id))
      .filter((node) => node.frame && !node.type.endsWith('button') && node.frame.isConnected);
    const meters = shown.map((node) => {
      const made = meter(kind);
      node.frame.setAttribute('aria-busy', 'true');
      node.frame.append(made.element);
      return made;
    });
    const swap = (is) => {
      for (const id of swapped?.show ?? []) this.page.nodes.get(id).frame.hidden = !is;
      for (const id of swapped?.hide ?? []) this.page.nodes.get(id).frame.hidden = is;
      if (swapped?.stops) this.page.nodes.get(swapped.stops).view.running?.(is);
    };
    swap(true);
    return {
      tell: (message) => meters.forEach((one) => one.tell(message)),
      end: (succeeded) => {
        swap(false);
        shown.forEach((node, i) => {
          meters[i].end();
          node.frame.removeAttribute('aria-busy');
          node.frame.classList.toggle('gr-failed', !succeeded);
        });
      },
    };
  }
}
