// Clips with their makers' names, to be watched one by one; starting one pauses the others.
export default function (component) {
  const { parentElement, data } = component;
  const box = parentElement.querySelector(".pair");
  const shown = JSON.stringify(data.clips);
  if (box.dataset.shown === shown) return;
  box.dataset.shown = shown;
  const videos = [];
  box.replaceChildren(
    ...data.clips.map(([name, url]) => {
      const figure = document.createElement("figure");
      const video = document.createElement("video");
      Object.assign(video, { src: url, controls: true, preload: "metadata", playsInline: true });
      video.setAttribute("aria-label", name);
      video.addEventListener("play", () => videos.forEach((other) => other === video || other.pause()));
      videos.push(video);
      const caption = document.createElement("figcaption");
      caption.textContent = name;
      figure.append(video, caption);
      return figure;
    }),
  );
}
