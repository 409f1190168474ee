// An input given as sound: a file, a recording, or what a microphone hears. Models that take it in
// pieces get one after the other.
import { field, fileButton, make, newId, numberInput } from './dom.js';
import { canRecord, listen, record } from './media.js';
import { decodeSound, soundTensor } from './sound.js';
import { inOneFile } from './site.js';
import { known } from './shapes.js';
import { series } from './views.js';

export const sounds = /^(audio|video)\//;

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

// A button that begins and ends something: begin() gives the function that ends it.
function toggle([off, on], begin, fail) {
  let end = null;
  const set = (given) => {
    end = given;
    button.textContent = end ? on : off;
  };
  const button = make('button', { type: 'button', class: 'quiet', onclick: async () => {
    button.disabled = true;
    fail('');
    try {
      if (end) {
        const done = end;
        set(null);
        await done();
      } else {
        set(await begin());
      }
    } catch (error) {
      set(null);
      fail(sentence(error.message));
    } finally {
      button.disabled = false;
    }
  } }, off);
  return { button, isOn: () => Boolean(end), off: () => end && set(null) };
}

/** See ways.js. */
export function soundWay({ info, sound }, { changed, live, fail, streams }, sample) {
  const note = make('p', { class: 'hint', id: newId('note') },
    'Drop a sound file here, or choose one.');
  const wave = make('div', { class: 'plot small' });
  const rate = numberInput(sound.rate, { min: 3000, max: 192000, step: 1 });
  const from = numberInput(0, { min: 0 });
  const most = numberInput(sound.most || '', { min: 1, step: 1, placeholder: 'all' });
  let file = null;
  let whole = { samples: null }; // of the file at a rate
  let heard = null; // samples of a microphone
  let microphone = null;
  let walking = false; // through the file, piece by piece
  let first = false; // of these pieces
  let recipe = null;
  const perSecond = () => Number(rate.value);
  const pieceLength = () => sound.length || Number(most.value);
  const start = () => Math.round(Number(from.value) * perSecond());

  const decoded = async () => {
    if (whole.file !== file || whole.rate !== perSecond()) {
      whole = { file, rate: perSecond(),
        samples: await decodeSound(file, perSecond()) };
    }
    return whole.samples;
  };
  const say = (text) => {
    if (note.textContent !== text) note.textContent = text;
  };
  const recorder = toggle(['Record', 'Stop recording'], async () => {
    const stop = await record();
    return async () => changed(await stop());
  }, fail);
  const listener = toggle(['Listen', 'Stop listening'], async () => {
    const opened = await listen(perSecond());
    microphone = opened;
    opened.ended.then(() => opened === microphone && halt());
    live();
    return halt;
  }, fail);
  const walker = make('button', { type: 'button', class: 'quiet', disabled: true,
    onclick: () => {
      walking = !walking;
      first = walking;
      walker.textContent = walking ? 'Stop there' : 'Run through all of it';
      if (walking) live();
    } }, 'Run through all of it');

  function halt() {
    microphone?.stop();
    microphone = null;
    walking = false;
    walker.textContent = 'Run through all of it';
    listener.off();
  }

  async function next() {
    if (microphone) {
      const source = microphone;
      const taken = await source.take(pieceLength() || perSecond(), !streams);
      if (source !== microphone) return false;
      heard = taken;
      return true;
    }
    const begin = start() + (first ? 0 : pieceLength());
    const samples = walking && await decoded();
    if (!walking || begin + pieceLength() > samples.length) return false;
    first = false;
    from.value = String(begin / perSecond());
    return true;
  }

  const tensor = async (extents) => {
    let samples = heard;
    if (samples) {
      say(`The microphone: ${samples.length} samples a run`);
    } else {
      const all = await decoded();
      samples = all.subarray(start(), start() + (Number(most.value) || all.length));
      if (!samples.length) throw new Error(`the sound ends before second ${from.value}`);
      say(`${file.name}: ${(all.length / perSecond()).toFixed(2)} s; ${
        samples.length} of ${all.length} samples`);
      walker.disabled = false;
    }
    wave.replaceChildren(series(samples, `Samples for ${info.name}`));
    const made = soundTensor(info, samples, extents);
    recipe = { kind: 'sound', rate: perSecond(), from: start(), dims: made.dims, type: info.type,
      length: samples.length, open: known(info, extents).at(-1) === undefined };
    return made;
  };
  const inPieces = Boolean(sound.length || sound.most);
  const element = make('div', {}, make('div', { class: 'drop' }, wave, note,
    make('div', { class: 'actions' }, fileButton('Choose a sound', 'audio/*,video/*',
      (chosen) => changed(chosen), note.id), canRecord() && recorder.button,
    canRecord() && !inOneFile && listener.button, inPieces && walker, sample)),
  make('div', { class: 'fields' }, field('Samples a second', rate),
    field('From second', from), sound.length ? null : field('Samples of a run', most)));
  return { element, given: () => Boolean(file || heard), tensor,
    async take(taken) {
      halt();
      heard = null;
      file = taken;
    },
    accepts: (taken) => sounds.test(taken.type),
    isLive: () => Boolean(microphone) || walking, next, halt, recipe: () => recipe };
}
