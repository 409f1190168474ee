// The card of one input: which way it is given, and what that comes to.
import { choice, field, make, newId, saveButton } from './dom.js';
import { makers, pictures, sounds, wayNames } from './ways.js';
import { npyName, writeNpy } from './npy.js';
import { bytesOf } from './site.js';
import { keyOf } from './shapes.js';

// A state that the model gives and takes again: its switch, and what is kept of it.
function carryControls(from) {
  const keep = make('input', { type: 'checkbox', id: newId('keep'), checked: true });
  const note = make('span', { class: 'hint' }, 'Nothing is kept yet.');
  let kept = null;
  let runs = 0;
  const set = (value) => {
    kept = value;
    runs = value ? runs + 1 : 0;
    note.textContent = kept ? `Kept from ${runs} run${runs === 1 ? '' : 's'}.`
      : 'Nothing is kept yet.';
    reset.disabled = !kept;
  };
  const reset = make('button', { type: 'button', class: 'quiet', disabled: true,
    onclick: () => set(null) }, 'Reset the state');
  const element = make('div', { class: 'carry' }, make('div', { class: 'check' }, keep,
    make('label', { for: keep.id }, `Take what the last run gave as “${from}”`)),
  make('div', { class: 'actions' }, reset, note));
  return { element, from, set, get: () => (keep.checked ? kept : null),
    keeps: () => keep.checked };
}

function sampleButton(samples, wanted, card) {
  const found = samples.find(({ type }) => wanted.test(type));
  return found && make('button', { type: 'button', class: 'quiet', onclick: async () => {
    try {
      card.take(new File([await bytesOf(found.path)], found.path, { type: found.type }));
    } catch (error) {
      card.fail(`${error.message}.`);
    }
  } }, 'Use the sample');
}

/** The card of an input: { element, name, info, asks, late, given(), tensor(extents, others),
 *  own(), made(value), wants(file), take(file), fail(message), live(), halt(), shown(), recipe(),
 *  carry }; asks: keys of extents that it has fields for; own(): the last tensor that was made here;
 *  live(): the way that goes on by itself, if one does.  Hooks: changed(card), there is something new
 *  to run on; changed(null), a file cannot be used; reading(name), one is being read; live(card),
 *  something goes on from now.  from: the output that it takes up again. */
export function inputCard(decision, { changed, reading, live }, samples, { from, streams }) {
  const { info } = decision;
  const made = {};
  const body = make('div', { class: 'way' });
  let latest = null; // the tensor of the last run
  let own = null; // and the last one that was not an output of the run before
  const save = make('div', { class: 'actions save', hidden: true },
    saveButton('Save this input as .npy', npyName(info.name), () => writeNpy(latest)));
  const problem = make('p', { class: 'problem', role: 'alert' });
  const title = make('h3', { id: newId('input') }, info.name || '(no name)');
  let way = decision.way;
  const leave = make('input', { type: 'checkbox', id: newId('leave') });
  const carry = from && carryControls(from);
  const left = () => decision.optional && leave.checked;
  const card = {
    name: info.name,
    info,
    carry,
    get late() { return Boolean(made[way]?.late); },
    given: () => left() || Boolean(carry?.get()) || Boolean(made[way]?.given()),
    async tensor(extents, others) {
      if (left()) return null;
      if (carry?.get()) return carry.get();
      own = await made[way].tensor(extents, others);
      return own;
    },
    own: () => (left() ? null : own),
    live: () => (made[way]?.isLive?.() ? made[way] : null),
    halt: () => made[way]?.halt?.(),
    shown: () => made[way]?.shown?.(),
    recipe: () => (left() ? { kind: 'none' } : made[way].recipe()),
    made(value) {
      latest = value;
      save.hidden = !value?.dims;
    },
    // The way that a file is for: one that is in use already, or one that files are usual for.
    wants: (file) => decision.ways.find((name) =>
      (made[name] || /^(picture|sound|npy)$/.test(name)) && use(name).accepts(file)),
    async take(file) {
      card.fail('');
      reading(file.name);
      try {
        const name = made[way]?.accepts(file) || !card.wants(file) ? way : card.wants(file);
        show(name);
        await made[name].take(file);
        changed(card);
      } catch (error) {
        card.fail(`${file.name}: ${error.message}.`);
        changed(null);
      }
    },
    fail(message) {
      if (problem.textContent !== message) problem.textContent = message;
      element.classList.toggle('failed', Boolean(message));
    },
  };
  const hooks = { streams, live: () => live(card), fail: (message) => card.fail(message),
    changed: (file) => (file ? card.take(file) : changed(card)) };
  const sampleFor = (name) => ({ picture: pictures, sound: sounds }[name]
    && sampleButton(samples, { picture: pictures, sound: sounds }[name], card));
  const use = (name) => {
    made[name] ??= makers[name](decision, hooks, sampleFor(name));
    return made[name];
  };
  // The sides of a picture are asked for beside the picture.
  const asked = () => (decision.way === 'picture' ? ['w', 'h'].map((axis) =>
    keyOf(info, decision.picture.axes[axis])).filter(Boolean) : []);
  const select = choice(Object.fromEntries(decision.ways.map((name) => [name, wayNames[name]])),
    way, (name) => show(name));
  function show(name) {
    if (name !== way) card.halt();
    way = name;
    select.value = name;
    card.fail('');
    body.replaceChildren(use(name).element);
  }
  const wayField = field('Given as', select);
  wayField.classList.add('way-choice');
  const element = make('section', { class: 'card', 'aria-labelledby': title.id },
    make('div', { class: 'head' }, title, make('code', {}, info.text)), carry?.element,
    decision.ways.length > 1 && wayField,
    decision.optional && make('div', { class: 'check' }, leave,
      make('label', { for: leave.id }, 'Leave this input out')),
    body, problem, save);
  if (way) show(way);
  else body.append(make('p', { class: 'hint' }, 'A page cannot give an input of this type.'));
  return Object.assign(card, { element, asks: asked() });
}
