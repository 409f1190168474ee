// The camera and the microphone of <ashore-model>.
import { AshoreError } from './ashore.js';

const reasons = {
  NotAllowedError: (what) => [`the ${what} was not allowed`,
    "Allow it in the browser's settings of this page, and send no Permissions-Policy against it"],
  NotFoundError: (what) => [`this device has no ${what}`],
  NotReadableError: (what) => [`another program uses the ${what}`, 'End that program'],
};

async function open(constraints, what) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new AshoreError('ERR_UNSUPPORTED', `there is no ${what} for this page`,
      { advice: 'Serve it over https, or from localhost' });
  }
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (cause) {
    const [message, advice] = reasons[cause.name]?.(what)
      ?? [`the ${what} cannot be used: ${cause.message}`];
    throw new AshoreError(cause.name === 'NotAllowedError' ? 'ERR_POLICY' : 'ERR_IO', message,
      { advice, cause });
  }
}

const stopTracks = (stream) => {
  for (const track of stream.getTracks()) track.stop();
};

/** A camera, the back one where there are several: { video, frame(), stop() }; frame(): whether there
 *  is a next picture. */
export async function openCamera() {
  const stream = await open({ video: { facingMode: { ideal: 'environment' } } }, 'camera');
  const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true,
    srcObject: stream });
  let over = false;
  let end;
  const ended = new Promise((resolve) => { end = resolve; });
  const stop = () => {
    over = true;
    stopTracks(stream);
    video.srcObject = null;
    end();
  };
  stream.getVideoTracks()[0].addEventListener('ended', stop);
  try {
    await video.play();
  } catch (cause) {
    stop();
    throw new AshoreError('ERR_IO', `the camera cannot be used: ${cause.message}`, { cause });
  }
  const next = () => new Promise((resolve) => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
  return { video, stop,
    async frame() {
      await Promise.race([next(), ended]);
      return !over && video.videoWidth > 0;
    } };
}

/** Records the microphone: { end(), stop() }; end() gives the sound as a Blob. */
export async function openMicrophone() {
  const stream = await open({ audio: true }, 'microphone');
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const done = new Promise((resolve) => { recorder.addEventListener('stop', resolve); });
  const stop = () => {
    if (recorder.state !== 'inactive') recorder.stop();
    stopTracks(stream);
  };
  recorder.start();
  return { stop,
    async end() {
      stop();
      await done;
      return new Blob(parts, { type: recorder.mimeType });
    } };
}
