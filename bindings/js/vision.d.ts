import type { Tensor, Variant } from './index.js';

/** Bytes RGBA, RGB or grey, rows from the top: ImageData is one. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Pixels, x to the right and y down. */
export type Point = readonly [x: number, y: number];
export type Corners = readonly Point[];

export interface ImageTensorOptions {
  /** Of the tensor; default: the picture's. */
  width?: number;
  height?: number;
  /** 'stretch' (default); 'letterbox': all of it in the middle, the rest padded; 'start': at the top
   *  left; 'crop': its middle. */
  fit?: 'stretch' | 'letterbox' | 'start' | 'crop';
  order?: 'rgb' | 'bgr' | 'grey';
  layout?: 'NCHW' | 'NHWC';
  /** 'uint8' is rounded and neither shifted nor scaled. */
  type?: 'float32' | 'uint8';
  /** Shrinking takes the mean of what a pixel covers, as Pillow does; default: of the four nearest
   *  pixels, as OpenCV does. */
  antialias?: boolean;
  /** (x - mean) * scale for x of 0 to 255; one number, or one for each of R, G and B. */
  mean?: number | readonly [number, number, number];
  scale?: number | readonly [number, number, number];
  /** Value in the tensor where there is no picture; default 0. */
  pad?: number;
}

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

export interface TextRegion {
  /** Clockwise from the top left. */
  readonly corners: [Point, Point, Point, Point];
  readonly score: number;
  readonly polygon?: Point[];
}

/** What comes before and behind models of pictures.  Synchronous, on the thread that calls it.
 *  Methods throw AshoreError. */
export class Vision {
  private constructor();
  /** [1, C, height, width], or [1, height, width, C] with layout 'NHWC'. */
  imageTensor(picture: Picture, options?: ImageTensorOptions): Tensor<'float32' | 'uint8'>;
  /** The inside of a quadrangle, made upright: RGB. */
  warp(picture: Picture, corners: Corners, width: number, height: number): Picture;
  /** Regions of text on a map of probabilities [..., height, width] (differentiable binarisation), in
   *  lines from the top and from left to right. */
  textRegions(map: Tensor, options?: TextRegionOptions): TextRegion[];
  /** Greedy decoding of connectionist temporal classification: [1, places, classes] to classes
   *  without repetitions and without class 0, and the mean of their probabilities. */
  ctc(probabilities: Tensor): { classes: Int32Array; confidence: number };
  close(): void;
}

/** Opens an engine for pictures.  Given what models are loaded with, its module is the same as theirs
 *  and is not downloaded twice. */
export function openVision(options?: {
  variant?: Variant | 'auto'; threads?: number; signal?: AbortSignal;
}): Promise<Vision>;
