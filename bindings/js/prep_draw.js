// Boxes on a canvas.
import { AshoreError } from './ashore.js';
import { colorOf, isLight } from './prep_labels.js';

const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

function contextOf(target) {
  const context = typeof target?.getContext === 'function' ? target.getContext('2d') : target;
  if (typeof context?.strokeRect === 'function') return context;
  throw new AshoreError('ERR_ARGUMENT', 'this is no canvas',
    { advice: 'Give a canvas or its 2d context' });
}

// How many pixels of the canvas make one that is seen: a photo of 4000 pixels on a phone is shown at
// 360, and lines of 2 would vanish.
function unitOf({ canvas }, shown) {
  const width = shown ?? canvas?.clientWidth;
  return width > 0 ? Math.max(canvas.width / width, 0.1)
    : Math.max(1, Math.max(canvas?.width ?? 0, canvas?.height ?? 0) / 800);
}

function drawBox(context, [x, y, right, bottom], color, unit) {
  context.lineJoin = 'round';
  for (const [style, width] of [['rgb(0 0 0 / 60%)', 4], ['rgb(255 255 255 / 60%)', 3.2],
    [css(color), 2]]) {
    context.strokeStyle = style;
    context.lineWidth = width * unit;
    context.strokeRect(x, y, right - x, bottom - y);
  }
}

function drawLabel(context, text, [x, y, right, bottom], color, unit) {
  const { width, height } = context.canvas;
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  const wide = Math.min(context.measureText(text).width + 8 * unit, width);
  const high = 18 * unit;
  // Above the box, or inside of it where there is no room; never beyond the canvas.
  const top = y - high >= 0 ? y - high : Math.min(y, bottom, height - high);
  const left = Math.min(Math.max(x - unit, 0), width - wide);
  context.fillStyle = css(color);
  context.fillRect(left, Math.max(top, 0), wide, high);
  context.fillStyle = isLight(color) ? '#000' : '#fff';
  context.fillText(text, left + 4 * unit, Math.max(top, 0) + high / 2, wide - 8 * unit);
}

/** Draws what detect() has found on a canvas that shows the picture. */
export function drawDetections(target, detections, { from, shown, scores = true, color } = {}) {
  const context = contextOf(target);
  const unit = unitOf(context, shown);
  const sx = from ? context.canvas.width / from.width : 1;
  const sy = from ? context.canvas.height / from.height : 1;
  // The likeliest last: on top.
  const list = [...detections].reverse().map(({ box: [a, b, c, d], label, score, index = 0 }) => ({
    at: [a * sx, b * sy, c * sx, d * sy],
    own: color?.(index) ?? colorOf(index),
    text: [label, scores && score !== undefined ? `${Math.round(100 * score)} %` : '']
      .filter(Boolean).join(' '),
  }));
  context.save();
  for (const { at, own } of list) drawBox(context, at, own, unit);
  for (const { at, own, text } of list) if (text) drawLabel(context, text, at, own, unit);
  context.restore();
}
