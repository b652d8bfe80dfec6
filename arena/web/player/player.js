// Two clips that start together, of which one is heard at a time; voting opens once both were heard. Streamlit calls this at every run of the
// page: the state of a pair is kept on the element, and reset only for another pair.
const BINS_A_SECOND = 10;
const DRIFT_S = 0.04;
const FAR_S = 0.4;
const CHOICES = { 1: "left", 2: "tie", 3: "right", 4: "both_bad" };
const WORDS = { left: "A is better", right: "B is better", tie: "a tie", both_bad: "both bad" };

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const root = parentElement.querySelector(".arena");
  const state = root.player ?? (root.player = create(root));
  state.send = setTriggerValue;
  if (state.data?.battle !== data.battle) begin(state, data);
  else if (state.data.left !== data.left) renew(state, data);
  state.data = data;
  show(state);
}

// A pressed button gives the focus back; otherwise Space would press it again instead of playing.
function refocus(root, event) {
  if (event.detail > 0) root.focus({ preventScroll: true });
}

function create(root) {
  const sides = Object.fromEntries(
    [...root.querySelectorAll(".side")].map((side) => [side.dataset.side, { side, video: side.querySelector("video"), seen: new Set() }]),
  );
  const state = { root, sides, audible: "left", answers: {}, turns: 0, started: false, data: null, notice: "" };
  root.querySelector(".play").addEventListener("click", () => toggle(state));
  root.querySelectorAll(".hear").forEach((button) => button.addEventListener("click", () => hear(state, button.dataset.side)));
  root.addEventListener("click", (event) => event.target.closest("button, .switch") && refocus(root, event));
  root.querySelectorAll(".choice").forEach((button) => button.addEventListener("click", () => vote(state, button.dataset.choice)));
  root.querySelector(".undo").addEventListener("click", () => act(state, "undo"));
  root.querySelector(".next").addEventListener("click", () => act(state, "next"));
  root.querySelector(".reveal").addEventListener("click", () => act(state, "reveal"));
  root.querySelector(".keys").addEventListener("change", (event) => root.classList.toggle("keysoff", !event.target.checked));
  root.querySelector(".captions").addEventListener("change", () => captions(state));
  root.addEventListener("keydown", (event) => key(state, event));
  for (const { video } of Object.values(sides)) {
    video.addEventListener("ended", () => ended(state));
    video.addEventListener("error", () => notify(state, "A clip could not be loaded. Load the page again to go on with this pair."));
    video.addEventListener("contextmenu", (event) => event.preventDefault());
  }
  setInterval(() => tick(state), 100);
  return state;
}

function load(state, data) {
  for (const [name, { video }] of Object.entries(state.sides)) {
    video.pause();
    video.src = data[name];
    video.load();
  }
}

function begin(state, data) {
  const again = state.data !== null && state.data.left === data.left;
  state.answers = {};
  state.voted = false;
  state.pending = false;
  state.turns = 0;
  state.audible = parseInt(data.battle.slice(0, 8), 16) % 2 ? "right" : "left";
  if (!again) load(state, data);
  // After undo the clips are the same under new URLs: what was heard still counts.
  if (!(data.message && state.data)) for (const side of Object.values(state.sides)) side.seen = new Set();
  state.root.querySelector(".comment").value = "";
  questions(state, data);
  state.captionsShown = false;
  state.notice = "";
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (state.started && !still && !data.message) ready(state, () => play(state));
}

// The same pair under new URLs, since the old ones expired: what was heard and answered still counts.
function renew(state, data) {
  load(state, data);
  state.pending = false;
  state.notice = data.voted === null ? "The clips were loaded again: what you heard of them still counts." : "";
}

function ready(state, then) {
  const waiting = Object.values(state.sides).filter(({ video }) => video.readyState < 4);
  if (!waiting.length) return then();
  let left = waiting.length;
  for (const { video } of waiting) video.addEventListener("canplaythrough", () => --left || then(), { once: true });
}

function questions(state, data) {
  const box = state.root.querySelector(".questions");
  box.replaceChildren(
    ...data.questions.map(([name, text]) => {
      const row = document.createElement("div");
      const label = document.createElement("span");
      label.textContent = text;
      const buttons = [["left", "A"], ["tie", "Same"], ["right", "B"]].map(([choice, word]) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = word;
        button.setAttribute("aria-label", `${text} ${word}`);
        button.addEventListener("click", () => {
          state.answers[name] = state.answers[name] === choice ? undefined : choice;
          buttons.forEach((other, index) => other.classList.toggle("chosen", ["left", "tie", "right"][index] === state.answers[name]));
        });
        return button;
      });
      row.append(label, ...buttons);
      return row;
    }),
  );
}

function both(state) {
  return [state.sides.left.video, state.sides.right.video];
}

function play(state) {
  const [a, b] = both(state);
  state.notice = "";
  if (a.ended || b.ended) a.currentTime = b.currentTime = 0;
  else b.currentTime = a.currentTime;
  mute(state);
  state.started = true;
  Promise.all([a.play(), b.play()]).catch(() => notify(state, "Press Play to start."));
}

function toggle(state) {
  const [a, b] = both(state);
  if (a.paused && b.paused) return ready(state, () => play(state));
  a.pause();
  b.pause();
}

function hear(state, side) {
  state.audible = side;
  mute(state);
  const [a, b] = both(state);
  if (a.paused && b.paused) ready(state, () => play(state));
}

function mute(state) {
  for (const [name, { side, video }] of Object.entries(state.sides)) {
    video.muted = name !== state.audible;
    side.classList.toggle("audible", name === state.audible);
    side.querySelector(".hear").setAttribute("aria-pressed", String(name === state.audible));
  }
}

function ended(state) {
  const [a, b] = both(state);
  if (!(a.ended || a.paused) || !(b.ended || b.paused)) return;
  if (state.voted) return;
  state.turns += 1;
  if (state.turns === 1 && state.data.sound) {
    state.audible = state.audible === "left" ? "right" : "left";
    a.currentTime = b.currentTime = 0;
    play(state);
  }
}

function tick(state) {
  const [a, b] = both(state);
  for (const [name, { video, seen }] of Object.entries(state.sides)) {
    if (!video.paused && (!state.data?.sound || name === state.audible)) seen.add(Math.floor(video.currentTime * BINS_A_SECOND));
    if (video.ended && (!state.data?.sound || name === state.audible)) seen.add(Math.floor(video.duration * BINS_A_SECOND) - 1);
  }
  if (!a.paused && !b.paused) {
    const drift = a.currentTime - b.currentTime;
    if (Math.abs(drift) > FAR_S) b.currentTime = a.currentTime;
    b.playbackRate = Math.abs(drift) > DRIFT_S ? (drift > 0 ? 1.03 : 0.97) : 1;
  }
  if (state.data) show(state);
}

// The lines that were to be said, the same under both clips; the vote says whether they were shown.
function captions(state) {
  const on = state.root.querySelector(".captions").checked && state.data.captions.length > 0;
  state.root.querySelector(".captions-switch").hidden = !state.data.captions.length;
  state.captionsShown ||= on;
  for (const { side, video } of Object.values(state.sides)) {
    const line = state.data.captions.find(([start, end]) => video.currentTime >= start && video.currentTime < end);
    const box = side.querySelector(".caption");
    box.hidden = !on;
    const words = on && line ? line[2] : "";
    if (box.textContent !== words) box.textContent = words;
  }
}

function heard({ video, seen }) {
  const bins = Math.floor(video.duration * BINS_A_SECOND);
  return bins > 0 ? Math.min(1, seen.size / bins) : 0;
}

function show(state) {
  const { root, data, sides } = state;
  const voted = data.voted;
  state.voted = voted !== null;
  root.querySelector(".asked").textContent = data.text;
  root.querySelector(".overall").textContent = data.overall;
  captions(state);
  const shares = { left: heard(sides.left), right: heard(sides.right) };
  const missing = Object.keys(shares).filter((name) => shares[name] < data.heard);
  for (const [name, { side }] of Object.entries(sides)) {
    side.querySelector("progress").value = shares[name];
    side.querySelector(".hear").hidden = !data.sound;
    side.querySelector(".maker").textContent = data.makers ? data.makers[name === "left" ? 0 : 1] : "";
  }
  root.querySelectorAll(".choice").forEach((button) => {
    button.disabled = voted !== null || missing.length > 0 || Boolean(state.pending);
    button.classList.toggle("chosen", voted === button.dataset.choice);
  });
  root.querySelector(".more").hidden = voted !== null || !data.questions.length;
  root.querySelector(".after").hidden = voted === null;
  root.querySelector(".undo").disabled = Boolean(data.makers);
  root.querySelector(".reveal").hidden = !data.reveal || Boolean(data.makers);
  const [a, b] = both(state);
  root.querySelector(".play").firstChild.textContent = a.paused && b.paused ? "Play both " : "Pause ";
  const verb = data.sound ? "Hear" : "Watch";
  const names = missing.map((name) => (name === "left" ? "A" : "B")).join(" and ");
  let text = "Both were played: please vote.";
  if (voted !== null) text = `Your vote: ${WORDS[voted]}. ${data.n_voted} so far.`;
  else if (missing.length) text = `${verb} ${names} to the end to vote.`;
  if (data.message) text = `${data.message} ${text}`;
  if (state.notice) text = state.notice;
  const status = root.querySelector(".status");
  if (status.textContent !== text) status.textContent = text;
}

function notify(state, text) {
  state.notice = text;
  show(state);
}

function vote(state, choice) {
  if (state.voted || state.pending) return;
  state.pending = true;
  state.root.focus({ preventScroll: true }); // the button gets disabled, but the keys must go on working
  state.notice = "";
  const answers = Object.fromEntries(Object.entries(state.answers).filter(([, value]) => value));
  state.send("vote", {
    battle: state.data.battle,
    choice,
    answers,
    heard: [heard(state.sides.left), heard(state.sides.right)],
    comment: state.root.querySelector(".comment").value,
    captions: state.captionsShown,
  });
  setTimeout(() => (state.pending = false), 1500);
}

function act(state, action) {
  if (!state.voted) return;
  state.root.focus({ preventScroll: true });
  state.send(action, { battle: state.data.battle });
}

function key(state, event) {
  const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
  if (event.key === " " && event.target.closest("input, button, summary")) return; // Space presses or opens the focused element
  if (typing || event.ctrlKey || event.altKey || event.metaKey || !state.root.querySelector(".keys").checked) return;
  const pressed = event.key.toLowerCase();
  const button = (name) => state.root.querySelector(name);
  if (pressed === " ") toggle(state);
  else if (pressed === "q") hear(state, "left");
  else if (pressed === "w") hear(state, "right");
  else if (pressed in CHOICES) {
    if (!button(`.choice[data-choice="${CHOICES[pressed]}"]`).disabled) vote(state, CHOICES[pressed]);
  } else if (pressed === "u" && !button(".undo").disabled) act(state, "undo");
  else if (pressed === "n") act(state, "next");
  else return;
  event.preventDefault();
}
