// Hands the samples of a microphone to the page, some 2048 at a time; runs on the audio thread.
const most = 2048;

registerProcessor('listener', class extends AudioWorkletProcessor {
  #held = new Float32Array(most);
  #count = 0;

  process([[channel]]) {
    if (!channel) return true;
    if (this.#count + channel.length > most) {
      const part = this.#held.slice(0, this.#count);
      this.port.postMessage(part, [part.buffer]);
      this.#count = 0;
    }
    this.#held.set(channel, this.#count);
    this.#count += channel.length;
    return true;
  }
});
