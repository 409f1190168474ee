// The card of one input: which way it is given, and what that comes to.
import { choice, field, make, newId, saveButton } from './dom.js';
import { makers, pictures, sounds, wayNames } from './ways.js';
import { npyName, writeNpy } from './npy.js';
import { keyOf } from './shapes.js';

/** The card of an input: { element, name, info, asks, late, given(), tensor(extents, others),
 *  made(value), wants(file), take(file), fail(message) }; asks: keys of extents that it has fields
 *  for.  changed(card): there is something new to run on, changed(null): a file cannot be used;
 *  reading(name): one is being read. */
export function inputCard(decision, { changed, reading }, samples) {
  const { info } = decision;
  const made = {};
  const body = make('div', { class: 'way' });
  let latest = null; // the tensor of the last run
  const save = make('div', { class: 'actions save', hidden: true },
    saveButton('Save this input as .npy', npyName(info.name), () => writeNpy(latest)));
  const problem = make('p', { class: 'problem', role: 'alert' });
  const title = make('h3', { id: newId('input') }, info.name || '(no name)');
  let way = decision.way;
  const leave = make('input', { type: 'checkbox', id: newId('leave') });
  const sampleFor = (name) => {
    const found = samples.find((sample) => (name === 'picture' ? pictures : sounds)
      .test(sample.type));
    return found && make('button', { type: 'button', class: 'quiet', onclick: async () => {
      const response = await fetch(found.url).catch(() => null);
      if (!response?.ok) card.fail(`${found.url} cannot be loaded`);
      else card.take(new File([await response.blob()], found.name, { type: found.type }));
    } }, 'Use the sample');
  };
  const card = {
    name: info.name,
    info,
    get late() { return Boolean(made[way]?.late); },
    get left() { return decision.optional && leave.checked; },
    given: () => card.left || Boolean(made[way]?.given()),
    tensor: (extents, others) => (card.left ? null : made[way].tensor(extents, others)),
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
      problem.textContent = message;
      element.classList.toggle('failed', Boolean(message));
    },
  };
  const react = (file) => (file ? card.take(file) : changed(card));
  const use = (name) => {
    made[name] ??= makers[name](decision, react, sampleFor(name));
    return made[name];
  };
  // The sides of a picture are asked for beside the picture.
  const asked = () => (decision.way === 'picture' ? ['w', 'h'].map((axis) =>
    keyOf(info, decision.picture.axes[axis])).filter(Boolean) : []);
  const select = choice(Object.fromEntries(decision.ways.map((name) => [name, wayNames[name]])),
    way, (name) => show(name));
  function show(name) {
    way = name;
    select.value = name;
    card.fail('');
    body.replaceChildren(use(name).element);
  }
  const wayField = field('Given as', select);
  wayField.classList.add('way-choice');
  const element = make('section', { class: 'card', 'aria-labelledby': title.id },
    make('div', { class: 'head' }, title, make('code', {}, info.text)),
    decision.ways.length > 1 && wayField,
    decision.optional && make('div', { class: 'check' }, leave,
      make('label', { for: leave.id }, 'Leave this input out')),
    body, problem, save);
  if (way) show(way);
  else body.append(make('p', { class: 'hint' }, 'A page cannot give an input of this type.'));
  return Object.assign(card, { element, asks: asked() });
}

