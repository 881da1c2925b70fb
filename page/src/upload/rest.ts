/** When to try again: after the server or the network has failed, and at what moment to wake. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
const SOON_MS = 50;

/** Ever longer, up to a quarter of a minute. Pure. */
export function backOff(times: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(times - 1, 10));
}

/** Nobody answers: all wait, until somebody does or the network says that it is back. */
export class Rest {
  /** No answer came to the last request. */
  isOffline = false;
  until = 0;
  private breaks = 0;

  heard(): void {
    this.breaks = 0;
    this.isOffline = false;
  }

  broke(now: number): void {
    this.isOffline = true;
    if (now < this.until) return;
    this.breaks += 1;
    this.until = now + backOff(this.breaks);
  }

  end(): void {
    this.until = 0;
  }
}

/** Rings once, at the earliest of the moments that were wished for. */
export class Alarm {
  private readonly ring: () => void;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private moment = 0;

  constructor(ring: () => void) {
    this.ring = ring;
  }

  at(moment: number): void {
    if (this.timer !== null && this.moment <= moment) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.moment = moment;
    const wait = Math.max(SOON_MS, moment - Date.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      this.ring();
    }, wait);
  }
}
