// A button that records the microphone.
import { button } from './dom.js';
import { wavOf } from './wav.js';

const refused = 'The microphone could not be used: allow it in the browser\'s settings for this '
  + 'page, which has to be on https: or localhost.';

/** start: recording begins; stop(file): it has ended, with a WAV file; failed(message). */
export function record({ start, stop, failed }) {
  let recorder;
  const control = button('Record', async () => {
    if (recorder) {
      recorder.stop();
      return;
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      failed(refused);
      return;
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = async () => {
      for (const track of stream.getTracks()) track.stop();
      recorder = undefined;
      control.textContent = 'Record';
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
      try {
        stop(await wavOf({ name: 'recording.webm', type: parts[0]?.type, bytes }));
      } catch (error) {
        failed(error.message);
      }
    };
    recorder.start();
    control.textContent = 'Stop recording';
    start();
  }, { class: 'quiet' });
  return control;
}
