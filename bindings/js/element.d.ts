import type { AshoreError, Model, Progress, Report, RunOptions, Value } from './index.js';
import type { Detection, ImageSource, Labels, Samples } from './prep.js';

/** `<ashore-model src="model.onnx">`: a model as an element of a page.
 *
 *  Importing this file defines it. It loads the model when it is connected, or with
 *  `loading="lazy"` when it comes near to what is seen, and closes it when it is taken out of
 *  the page.
 *
 *  Attributes that load() takes, too: `threads`, `variant`, `strict`, `full`, `modules`,
 *  `cache`, `manifest`, `sha256`, `memory-limit`.
 *
 *  A model whose one input is a picture or a sound is given files, chosen, dropped or pasted;
 *  `camera` and `microphone` offer those, too. `input` says `picture` or `sound` where its
 *  shape and name do not tell. Of a picture: `fit`, `normalize` (`0..1` unless it is set),
 *  `order`, `width` and `height`, as the options of the same names of `ashore/prep`. Of a sound:
 *  `rate`, samples a second (16000); `mel` for models of mel bands [1, bands, windows]: how their
 *  energies are written, `whisper`, `ln`, `db` or `power`, with `fft` (400) and `hop` (160). A
 *  model of a fixed length gets a sound's beginning, with silence behind it.
 *
 *  `output` says how results are shown: `classes`, `boxes`, `table` or `plot` (a curve of each
 *  output); without it as classes, where an output is one line of scores, or as tables, where
 *  outputs are small. Of classes: `labels`, an address, and `top`, how many (5). Of boxes, which
 *  are drawn over the picture and listed: `boxes`, words of prep.detect in any order: `xyxy`,
 *  `xywh`, `cxcywh`, `yxyx`, `rows`, `columns`, `objectness`, `sigmoid`, `softmax`, `normalized`;
 *  `score` (0.25), `iou` (0.45), `labels`, and `top`, how many are listed (20).
 *
 *  Slots: `before`, `status`, `input`, `button`, `results`, and one without a name at the end.
 *  Parts: `box`, `status` (`failed` with it), `progress`, `input`, `button` (`device` with it:
 *  the camera's or the microphone's), `picture`, `sound`, `results`, `result`, `label`, `bar`,
 *  `value`, `values`, `table`, `plot`. */
export class AshoreModel extends HTMLElement {
  /** The model; null until `ready`. */
  readonly model: Model | null;
  /** What the model runs on; null until `ready`. */
  readonly report: Report | null;
  /** The model's address. Another one closes the model and loads that. */
  src: string;
  /** When it is loaded: at once, or when it is nearly seen. */
  loading: 'eager' | 'lazy';
  /** Boxes that are shown, in pixels of the picture. */
  readonly detections: readonly Detection[];
  /** Names of classes: what is set here, or else the address in the attribute. */
  get labels(): Labels | null;
  set labels(value: Labels | null | undefined);
  /** Loads the model now, once. */
  load(): Promise<Model>;
  /** Runs the model, which is loaded first where it is not, and shows the results. */
  run(feeds: Record<string, Value>, options?: RunOptions): Promise<Record<string, Value>>;
  /** Runs a model whose one input is a picture, by the element's settings. */
  runPicture(source: ImageSource): Promise<Record<string, Value>>;
  /** Runs a model whose one input is a sound, by the element's settings. */
  runSound(source: AudioBuffer | Samples | Blob): Promise<Record<string, Value>>;
  /** Runs the model on what the camera sees, picture after picture, until stop(). */
  startCamera(): Promise<void>;
  /** Records the microphone until stopRecording(). */
  startRecording(): Promise<void>;
  /** Ends the recording, and runs the model on it. */
  stopRecording(): Promise<Record<string, Value>>;
  /** Ends the camera, or the recording without a run. */
  stop(): void;
  /** Ends loading and gives the model back. load() and run() load it again. */
  close(): void;
  /** As of every element, with the events below. */
  addEventListener<K extends keyof AshoreModelEventMap>(type: K,
    listener: (this: AshoreModel, event: AshoreModelEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions): void;
}

/** Events of the element; they do not bubble. */
export interface AshoreModelEventMap {
  /** How far loading is. */
  progress: CustomEvent<Progress>;
  /** The model is loaded. */
  ready: CustomEvent<Model>;
  /** A run has ended: what it gave, by name. */
  result: CustomEvent<Record<string, Value>>;
  /** Loading or a run has failed. */
  error: CustomEvent<AshoreError>;
}

declare global {
  /** What document.createElement() gives by name. */
  interface HTMLElementTagNameMap {
    /** The element. */
    'ashore-model': AshoreModel;
  }
}
