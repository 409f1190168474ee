// The camera and the microphone, and in plain words why they cannot be used.

export const canFilm = () => Boolean(globalThis.navigator?.mediaDevices?.getUserMedia);
export const canRecord = () => canFilm() && Boolean(globalThis.MediaRecorder);

const reasons = {
  NotAllowedError: (what) => `it was not allowed. Allow the ${what} in the browser's settings for `
    + 'this page, which are beside its address, and try again',
  NotFoundError: (what) => `this device has no ${what}`,
  NotReadableError: (what) => `another program is using the ${what}, or the system does not give it`,
  OverconstrainedError: (what) => `this device has no such ${what}`,
  SecurityError: () => 'the page may not ask for it',
};

/** Why a camera or microphone is not to be had. */
export function trouble(error, what) {
  const reason = reasons[error.name]?.(what) ?? error.message;
  return new Error(`the ${what} cannot be used: ${reason}`, { cause: error });
}

async function open(constraints, what) {
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw trouble(error, what);
  }
}

const stopTracks = (stream) => {
  for (const track of stream.getTracks()) track.stop();
};

// ---- the camera ---------------------------------------------------------------------------------

// The next picture of a video; pictures come no faster than the camera gives them.
const nextFrame = (video) => new Promise((resolve) => {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve);
  else requestAnimationFrame(resolve);
});

/** Opens a camera, that of deviceId or the back one where there are several: { frame(), stop(),
 *  cameras, deviceId, ended }; frame() gives its next picture as ImageData, and null after the end;
 *  ended: a promise. */
export async function openCamera(deviceId, longest = 640) {
  const stream = await open({ video: { width: { ideal: longest },
    ...deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: 'environment' } } } },
  'camera');
  const [track] = stream.getVideoTracks();
  const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true,
    srcObject: stream });
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  try {
    await video.play();
  } catch (error) {
    stopTracks(stream);
    throw trouble(error, 'camera');
  }
  const devices = await navigator.mediaDevices.enumerateDevices();
  let end;
  const ended = new Promise((resolve) => { end = resolve; });
  track.addEventListener('ended', end);
  let over = false;
  ended.then(() => { over = true; });
  return {
    deviceId: track.getSettings().deviceId,
    cameras: devices.filter(({ kind }) => kind === 'videoinput')
      .map(({ deviceId: id, label }, i) => ({ id, label: label || `Camera ${i + 1}` })),
    ended,
    async frame() {
      await Promise.race([nextFrame(video), ended]);
      if (over || !video.videoWidth) return null;
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      context.drawImage(video, 0, 0);
      return context.getImageData(0, 0, canvas.width, canvas.height);
    },
    stop() {
      stopTracks(stream);
      video.srcObject = null;
      end();
    },
  };
}

// ---- the microphone -----------------------------------------------------------------------------

/** Begins to record the microphone; the function that this returns ends it and gives the file. */
export async function record() {
  const stream = await open({ audio: true }, 'microphone');
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const done = new Promise((resolve) => { recorder.addEventListener('stop', resolve); });
  recorder.start();
  return async () => {
    recorder.stop();
    await done;
    stopTracks(stream);
    return new File(parts, 'recording', { type: recorder.mimeType });
  };
}

/** Listens at a rate: { take(count, latest), stop(), ended }.  take() gives the next `count` samples
 *  when there are so many; latest: the last ones, whatever was before them.  Samples that nobody has
 *  taken for 5 seconds are dropped. */
export async function listen(rate) {
  const stream = await open({ audio: { channelCount: 1 } }, 'microphone');
  const context = new AudioContext({ sampleRate: rate });
  let waiting = null;
  let held = [];
  let count = 0;
  const settle = () => {
    while (held.length > 1 && count - held[0].length >= 5 * rate) count -= held.shift().length;
    if (waiting && (count >= waiting.count || !waiting.count)) waiting.resolve();
  };
  const drop = (most) => {
    const all = new Float32Array(count);
    let at = 0;
    for (const part of held) {
      all.set(part, at);
      at += part.length;
    }
    held = most < count ? [all.subarray(most)] : [];
    count -= Math.min(most, count);
    return all;
  };
  try {
    await context.audioWorklet.addModule(new URL('./listener.js', import.meta.url));
  } catch (error) {
    stopTracks(stream);
    context.close();
    throw trouble(error, 'microphone');
  }
  const node = new AudioWorkletNode(context, 'listener', { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }) => {
    held.push(data);
    count += data.length;
    settle();
  };
  context.createMediaStreamSource(stream).connect(node);
  const [track] = stream.getAudioTracks();
  return {
    ended: new Promise((resolve) => { track.addEventListener('ended', resolve); }),
    async take(wanted, latest) {
      await new Promise((resolve) => {
        waiting = { count: wanted, resolve };
        settle();
      });
      waiting = null;
      if (latest) return drop(count).subarray(-wanted);
      return drop(wanted).subarray(0, wanted);
    },
    stop() {
      stopTracks(stream);
      context.close();
      if (waiting) waiting.resolve();
    },
  };
}
