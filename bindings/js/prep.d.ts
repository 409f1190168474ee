import type { Tensor } from './index.js';

/** Bytes RGBA (not premultiplied), RGB or grey, rows from the top: ImageData is one. */
export interface Picture {
  /** width * height * 4, 3 or 1 bytes. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** What shows a picture and can be drawn at once.  Images must be loaded and videos have a frame;
 *  what is of another origin must allow this page to read it. */
export type DrawableSource = Picture | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas |
  ImageBitmap | HTMLVideoElement | VideoFrame;
/** Also files, which are decoded and turned as their EXIF data says, and images that still load. */
export type ImageSource = DrawableSource | Blob;

/** Pixels, x to the right and y down. */
export type Point = readonly [x: number, y: number];
/** Four points, clockwise from the top left. */
export type Corners = readonly Point[];

/** How the numbers of pixels become those of a tensor. */
export interface PixelOptions {
  /** The channels: red first (default), blue first, or one of grey (0.299 R + 0.587 G + 0.114 B). */
  order?: 'rgb' | 'bgr' | 'grey';
  /** [N, C, H, W] (default) or [N, H, W, C]. */
  layout?: 'NCHW' | 'NHWC';
  /** What bytes become: as they are (default), 0 to 1, -1 to 1, or by the means and deviations of
   *  ImageNet or of CLIP. */
  normalize?: 'none' | '0..1' | '-1..1' | 'imagenet' | 'clip';
  /** (x - mean) * scale for x of 0 to 255; one number, or one for each of R, G and B.  In place of
   *  that of `normalize`. */
  mean?: number | readonly [number, number, number];
  /** See mean. */
  scale?: number | readonly [number, number, number];
}

/** How a picture becomes a tensor. */
export interface ImageOptions extends PixelOptions {
  /** Of the tensor; default: of the (first) picture. */
  width?: number;
  /** Of the tensor; default: of the (first) picture. */
  height?: number;
  /** 'stretch' (default); 'letterbox': all of it in the middle, the rest padded; 'start': at the top
   *  left; 'crop': as much of its middle as fills the tensor. */
  fit?: 'stretch' | 'letterbox' | 'start' | 'crop';
  /** With 'crop': how much of that middle, above 0 to 1 (default).  224 / 256 is to resize to 256 and
   *  to cut out 224. */
  cropPct?: number;
  /** The part of the picture that is taken, in pixels; beyond the edges they are repeated. */
  part?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** 'float32' (default) and 'float16', normalised; 'int8': normalised, rounded and limited; 'uint8':
   *  rounded and not normalised. */
  type?: 'float32' | 'float16' | 'int8' | 'uint8';
  /** 'bilinear' (default), 'nearest' or 'bicubic'. */
  filter?: 'bilinear' | 'nearest' | 'bicubic';
  /** Shrinking takes the mean of what a pixel covers, as Pillow and torchvision do; default: of the
   *  nearest pixels, as OpenCV does. */
  antialias?: boolean;
  /** Value in the tensor where there is no picture; default 0. */
  pad?: number;
  /** What is behind a transparent picture, 0 to 255; one number (default 255) or R, G and B. */
  background?: number | readonly [number, number, number];
}

/** Where a picture lies in its tensor: position (u, v) of the tensor shows
 *  (left + u * stepX, top + v * stepY) of the picture. */
export interface Placement {
  /** x in the picture of the tensor's left edge. */
  readonly left: number;
  /** y in the picture of the tensor's top edge. */
  readonly top: number;
  /** Pixels of the picture in one of the tensor, across. */
  readonly stepX: number;
  /** Pixels of the picture in one of the tensor, down. */
  readonly stepY: number;
  /** Of the picture. */
  readonly width: number;
  /** Of the picture. */
  readonly height: number;
  /** Of the tensor. */
  readonly tensorWidth: number;
  /** Of the tensor. */
  readonly tensorHeight: number;
}

/** A tensor of pictures, and where each lies in it. */
export type ImageTensor = Tensor<'float32' | 'float16' | 'int8' | 'uint8'> &
  { readonly placements: readonly Placement[] };

/** Labels by class: an array, text (JSON, or one in each line), or an object such as `id2label` or a
 *  whole config.json. */
export type Labels = string | readonly unknown[] | object;

/** One of the likeliest classes. */
export interface Classified {
  /** Number of the class. */
  readonly index: number;
  /** Its label; without labels its number. */
  readonly label: string;
  /** Its score. */
  readonly score: number;
}

/** How scores are read as classes. */
export interface ClassifyOptions {
  /** How many (5). */
  k?: number;
  /** Names of the classes. */
  labels?: Labels;
  /** What is applied to the scores: with 'auto' (default) softmax, unless they are probabilities
   *  already: none below 0, with a sum of 1. */
  activation?: 'auto' | 'softmax' | 'sigmoid' | 'none';
  /** Which row of a batch (0). */
  row?: number;
}

/** left, top, right, bottom; left, top, width, height; centre, width, height; top, left, bottom,
 *  right. */
export type BoxFormat = 'xyxy' | 'xywh' | 'cxcywh' | 'yxyx';

/** How boxes are read out of what a detector gives. */
export interface DetectOptions {
  /** The scores [N, K], where they are no part of the boxes' tensor. */
  scores?: Tensor;
  /** What the four numbers of a box are ('xyxy'). */
  format?: BoxFormat;
  /** 'rows' (default): [N, 4 + K]; 'columns': [4 + K, N], as YOLOv8 gives them. */
  layout?: 'rows' | 'columns';
  /** A score of its own comes before those of the classes, as YOLOv5 gives them (false). */
  objectness?: boolean;
  /** What is applied to the scores ('none'). */
  activation?: 'none' | 'sigmoid' | 'softmax';
  /** The class that is none, from the end where it is negative: -1 for DETR.  Default: no class. */
  background?: number;
  /** Boxes of different classes suppress each other (false). */
  classAgnostic?: boolean;
  /** Those below it are dropped (0.25). */
  score?: number;
  /** Of those whose intersection over union is above it, the likeliest is kept (0.45); 1: all. */
  iou?: number;
  /** At most so many (300). */
  most?: number;
  /** Boxes are parts of the tensor, 0 to 1, rather than its pixels (false). */
  normalized?: boolean;
  /** The tensor that image() made, or its placement: boxes are in pixels of the picture then, and
   *  inside of it; else in those of the tensor. */
  from?: ImageTensor | Placement;
  /** Which picture of `from` (0). */
  index?: number;
  /** Names of the classes. */
  labels?: Labels;
}

/** One thing that was detected. */
export interface Detection {
  /** Left, top, right, bottom. */
  readonly box: [left: number, top: number, right: number, bottom: number];
  /** Its score. */
  readonly score: number;
  /** Number of its class. */
  readonly index: number;
  /** Label of its class; without labels its number. */
  readonly label: string;
}

/** How boxes are suppressed. */
export interface NmsOptions {
  /** Only boxes of the same class suppress each other. */
  classes?: Tensor;
  /** The intersection over union above which they do (0.45). */
  iou?: number;
  /** Boxes of lower scores are dropped (0). */
  score?: number;
  /** At most so many are kept; 0 (default): all. */
  most?: number;
}

/** How regions of text are found. */
export interface TextRegionOptions {
  /** A place above it belongs to a region (0.3). */
  threshold?: number;
  /** Regions of a lower mean probability are dropped (0.6). */
  score?: number;
  /** How much regions grow, by area over perimeter (1.5). */
  unclip?: number;
  /** Narrower regions are dropped, in places of the map (3). */
  leastSide?: number;
  /** From places of the map to pixels of the picture ([1, 1]). */
  scale?: Point;
  /** Also trace the outlines (false). */
  polygons?: boolean;
}

/** A region of text. */
export interface TextRegion {
  /** Clockwise from the top left. */
  readonly corners: [Point, Point, Point, Point];
  /** The mean probability. */
  readonly score: number;
  /** The outline, where it was asked for. */
  readonly polygon?: Point[];
}

/** Samples: channels side by side. */
export interface Samples {
  /** Float32Array, or Int16Array, which is divided by 32768. */
  readonly data: Float32Array | Int16Array;
  /** Samples a second of each channel. */
  readonly sampleRate: number;
  /** Default 1. */
  readonly channels?: number;
}

/** How bands of mel frequencies are computed; the numbers that are preset are those of Whisper. */
export interface MelOptions {
  /** Samples a second (16000). */
  rate?: number;
  /** Samples of a transform (400). */
  fft?: number;
  /** Samples of the Hann window in its middle (fft). */
  window?: number;
  /** Samples between two windows (160). */
  hop?: number;
  /** Bands (80). */
  mels?: number;
  /** Hz, of the lowest band (0). */
  low?: number;
  /** Hz, of the highest band (half the rate). */
  high?: number;
  /** 'slaney' (default, as librosa) or 'htk'. */
  scale?: 'slaney' | 'htk';
  /** Bands of equal area rather than of equal height (with 'slaney'). */
  normalize?: boolean;
  /** Windows are around multiples of hop, the sound mirrored at its ends (true). */
  center?: boolean;
  /** Of the magnitude: 2 (default) or 1. */
  power?: 1 | 2;
  /** 'none' (default); 'ln'; 'db': 10 log10; 'whisper': log10, not lower than 8 below the largest,
   *  then (x + 4) / 4. */
  log?: 'none' | 'ln' | 'db' | 'whisper';
  /** Lower energies are taken for it (1e-10). */
  least?: number;
  /** The last window is left out, as Whisper does (false). */
  dropLast?: boolean;
}

/** What comes before and behind models.  Synchronous but for `image` and `sound`, on the thread that
 *  calls it.  Methods throw AshoreError, and the next call works. */
export class Prep {
  private constructor();
  /** A picture as a tensor of one, or several as a batch. */
  image(source: ImageSource | readonly ImageSource[], options?: ImageOptions): Promise<ImageTensor>;
  /** The same of what can be drawn at once. */
  imageSync(source: DrawableSource | readonly DrawableSource[], options?: ImageOptions): ImageTensor;
  /** The way back: picture `index` (0) of a tensor of 1, 3 or 4 channels, RGBA.  With the options of
   *  the way there it is what it was. */
  picture(tensor: Tensor, options?: PixelOptions & { index?: number }): ImageData;
  /** A mask, or a map of classes (such as argmax() gives), as a picture to draw over another: whole
   *  numbers in the colours of their classes, numbers in floating point by how large they are, 0 to
   *  1.  opacity: 0.5; background: the class that is invisible (0). */
  mask(tensor: Tensor, options?: {
    color?: (index: number) => readonly [number, number, number];
    opacity?: number;
    background?: number;
  }): ImageData;
  /** The inside of a quadrangle, made upright: RGB. */
  warp(source: DrawableSource, corners: Corners, width: number, height: number): Picture;
  /** Softmax over an axis (the last). */
  softmax(tensor: Tensor, options?: { axis?: number }): Tensor<'float32'>;
  /** 1 / (1 + exp(-x)). */
  sigmoid(tensor: Tensor): Tensor<'float32'>;
  /** The index of the largest over an axis (the last), which the result does not have. */
  argmax(tensor: Tensor, options?: { axis?: number }): Tensor<'int32'>;
  /** The k (5) largest over an axis (the last), largest first. */
  topK(tensor: Tensor, options?: { k?: number; axis?: number }):
    { values: Tensor<'float32'>; indices: Tensor<'int32'> };
  /** The likeliest classes of scores [.., K]. */
  classify(tensor: Tensor, options?: ClassifyOptions): Classified[];
  /** Boxes [.., 4] of one format in another. */
  convertBoxes(boxes: Tensor, from: BoxFormat, to: BoxFormat): Tensor<'float32'>;
  /** Non-maximum suppression of boxes [N, 4], 'xyxy', with scores [N]: the indices of those that are
   *  kept, the highest score first. */
  nms(boxes: Tensor, scores: Tensor, options?: NmsOptions): Int32Array;
  /** What a detector has found in one picture. */
  detect(output: Tensor, options?: DetectOptions): Detection[];
  /** Regions of text on a map of probabilities [.., height, width] (differentiable binarisation), in
   *  lines from the top and from left to right. */
  textRegions(map: Tensor, options?: TextRegionOptions): TextRegion[];
  /** Greedy decoding of connectionist temporal classification: [1, places, classes] to classes
   *  without repetitions and without class 0, and the mean of their probabilities. */
  ctc(probabilities: Tensor): { classes: Int32Array; confidence: number };
  /** Sound as a tensor [1, T]: the mean of its channels, at a rate (16000). */
  sound(source: AudioBuffer | Samples | Blob, options?: { rate?: number }):
    Promise<Tensor<'float32'>>;
  /** The same of what is decoded already. */
  soundSync(source: AudioBuffer | Samples, options?: { rate?: number }): Tensor<'float32'>;
  /** Windows [N, size] of a sound [1, T], `hop` (size) apart: until all of it is in one, with zeros
   *  behind it; with `whole` those alone that lie inside of it. */
  frames(sound: Tensor, options: { size: number; hop?: number; whole?: boolean }): Tensor<'float32'>;
  /** Energies of mel bands [1, mels, N] of a sound [1, T]. */
  mel(sound: Tensor, options?: MelOptions): Tensor<'float32'>;
  /** Bytes of the module's memory: the most that it has needed at once. */
  readonly memory: number;
  /** Gives the module's memory back. */
  close(): void;
}

/** Opens the module, which takes a few milliseconds. */
export function openPrep(options?: {
  /** Its address, or what was compiled of it; default: `ashore-prep.wasm` beside `prep.js`, or
   *  `ashore-prep-scalar.wasm` where the host has no SIMD or `variant` says so. */
  module?: string | URL | WebAssembly.Module;
  /** Which of them ('auto'). */
  variant?: 'auto' | 'simd128' | 'scalar';
  /** Ends opening with its reason. */
  signal?: AbortSignal;
}): Promise<Prep>;

/** Labels by class. */
export function readLabels(labels: Labels): string[];

/** Draws what detect() has found on a canvas that shows the picture: boxes with labels and scores, in
 *  lines and letters that are as large as they should be where the canvas is shown. */
export function drawDetections(
  target: HTMLCanvasElement | OffscreenCanvas | CanvasRenderingContext2D |
    OffscreenCanvasRenderingContext2D,
  detections: readonly Detection[],
  options?: {
    /** The picture's size, where the canvas has another. */
    from?: { readonly width: number; readonly height: number };
    /** How wide the canvas is shown, in CSS pixels; default: as it is laid out. */
    shown?: number;
    /** Scores are drawn, too (true). */
    scores?: boolean;
    /** The colour of a class, R, G and B of 0 to 255. */
    color?: (index: number) => readonly [number, number, number];
  }): void;
