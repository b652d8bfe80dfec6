// Clips with their makers' names, to be looked at one by one; starting one stops the others.
export default function (component) {
  const { parentElement, data } = component;
  const box = parentElement.querySelector(".pair");
  const asked = JSON.stringify(data.clips);
  if (box.dataset.asked === asked) return;
  box.dataset.asked = asked;
  const videos = [];
  box.replaceChildren(
    ...data.clips.map(([name, address]) => {
      const figure = document.createElement("figure");
      const video = document.createElement("video");
      Object.assign(video, { src: address, controls: true, preload: "metadata", playsInline: true });
      video.setAttribute("aria-label", name);
      video.addEventListener("play", () => videos.forEach((one) => one === video || one.pause()));
      videos.push(video);
      const caption = document.createElement("figcaption");
      caption.textContent = name;
      figure.append(video, caption);
      return figure;
    }),
  );
}
