/* Several clips on one clock: they start, stop, seek and slow down together, and one of them is heard. */

/** How far a clip may drift from the clock before it is corrected, in seconds. */
const DRIFT_S = 0.05;

class Clock {
  constructor() {
    this.players = [];
    this.listeners = [];
    this.playing = false;
    this.loop = true;
    this.rate = 1;
    this.heard = null;
    this.now = 0;
    this.frame = null;
  }

  /** Adds a video; the first one with sound is heard until another is chosen. */
  add(video, hasAudio) {
    video.muted = true;
    this.players.push(video);
    if (hasAudio && this.heard === null) this.hear(video);
  }

  /** Calls `listener(seconds)` whenever the time has changed. */
  onTime(listener) { this.listeners.push(listener); }

  /** Called after play, pause and a change of the clip that is heard. */
  onState(listener) { this.changed = listener; }

  time() { return this.now; }

  /** The end of the longest clip, in seconds. */
  duration() { return Math.max(0, ...this.players.map((video) => (Number.isFinite(video.duration) ? video.duration : 0))); }

  hear(video) {
    this.heard = video;
    for (const other of this.players) other.muted = other !== video;
    this.changed?.();
  }

  silence() {
    this.heard = null;
    for (const video of this.players) video.muted = true;
    this.changed?.();
  }

  async play() {
    if (!this.players.length) return;
    if (this.now >= this.duration() - 0.02) this.seek(0);
    this.playing = true;
    this.changed?.();
    const started = this.players.map((video) => (this.now < video.duration - 0.01 ? video.play() : null));
    const results = await Promise.allSettled(started);
    if (results.some((result) => result.status === "rejected" && result.reason?.name === "NotAllowedError")) this.pause();
    if (this.playing && this.frame === null) this.frame = requestAnimationFrame(() => this.tick());
  }

  pause() {
    this.playing = false;
    for (const video of this.players) video.pause();
    this.align(0.001);
    this.changed?.();
  }

  toggle() { return this.playing ? this.pause() : this.play(); }

  seek(seconds) {
    this.now = Math.max(0, Math.min(this.duration(), seconds));
    this.align(0.001);
    if (this.playing) for (const video of this.players) if (video.paused && this.now < video.duration - 0.01) video.play();
    this.notify();
  }

  /** Moves by one frame (25 per second). */
  step(direction) {
    this.pause();
    this.seek((Math.round(this.now * 25) + direction) / 25 + 0.001);
  }

  speed(rate) {
    this.rate = rate;
    for (const video of this.players) video.playbackRate = rate;
  }

  /** The clip whose time is the clock's: the one that is heard, or the longest that still plays. */
  leader() {
    const running = this.players.filter((video) => !video.paused && !video.ended);
    if (this.heard && running.includes(this.heard)) return this.heard;
    return running.sort((a, b) => b.duration - a.duration)[0] ?? null;
  }

  align(tolerance) {
    for (const video of this.players) {
      const wanted = Math.min(this.now, Number.isFinite(video.duration) ? video.duration : this.now);
      if (!video.seeking && Math.abs(video.currentTime - wanted) > tolerance) video.currentTime = wanted;
    }
  }

  notify() { for (const listener of this.listeners) listener(this.now); }

  tick() {
    this.frame = null;
    if (!this.playing) return;
    const leader = this.leader();
    if (leader) {
      this.now = leader.currentTime;
      const running = this.players.filter((video) => video !== leader && !video.paused && !video.seeking);
      for (const video of running) if (Math.abs(video.currentTime - this.now) > DRIFT_S * Math.max(1, this.rate)) video.currentTime = this.now;
      this.notify();
    } else {
      this.now = this.duration();
      this.notify();
      if (!this.loop) return this.pause();
      this.seek(0);
    }
    this.frame = requestAnimationFrame(() => this.tick());
  }

  /** Stops and releases all players. */
  end() {
    this.playing = false;
    for (const video of this.players) { video.pause(); video.removeAttribute("src"); video.load(); }
    this.players = [];
    this.listeners = [];
  }
}

/** The bytes of an embedded clip as a Blob URL; the caller revokes it. */
function clipURL(id) {
  const text = atob(document.getElementById(`clip-${id}`).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
}
