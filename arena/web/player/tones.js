// Plays a number of short tones; nothing on the page shows how many.
export default function (component) {
  const { parentElement, data } = component;
  const button = parentElement.querySelector(".tones");
  button.count = data.count;
  if (button.ready) return;
  button.ready = true;
  button.addEventListener("click", () => {
    const context = new AudioContext();
    for (let index = 0; index < button.count; index += 1) {
      const tone = context.createOscillator();
      const gain = context.createGain();
      const at = context.currentTime + 0.2 + 0.6 * index;
      tone.frequency.value = 660;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(0.2, at + 0.02);
      gain.gain.linearRampToValueAtTime(0, at + 0.3);
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.35);
    }
  });
}
