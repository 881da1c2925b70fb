/** How fast it goes, and how long it will take. Pure: whoever asks says what time it is. */

const WINDOW_MS = 8000;
const LEAST_MS = 1000;

interface Sample {
  readonly at: number;
  readonly bytes: number;
  readonly files: number;
}

export class Rate {
  private samples: Sample[] = [];

  /** `bytes` and `files`: all that has been done by now. */
  note(at: number, bytes: number, files: number): void {
    const last = this.samples.at(-1);
    // What shrinks was counted anew; what stood still for long was a break.
    if (last && (bytes < last.bytes || files < last.files || at - last.at > WINDOW_MS)) {
      this.samples = [];
    }
    this.samples.push({ at, bytes, files });
    const first = this.samples.findIndex((sample) => sample.at >= at - WINDOW_MS);
    this.samples = this.samples.slice(Math.max(0, first));
  }

  /** Bytes per second; null where that cannot be said yet. */
  get speed(): number | null {
    return this.per((sample) => sample.bytes);
  }

  /** Seconds: what is slower counts, the bytes or the files. */
  left(bytes: number, files: number): number | null {
    const speed = this.speed;
    const pace = this.per((sample) => sample.files);
    if (speed === null || pace === null) return null;
    if (speed <= 0 && pace <= 0) return null;
    const byBytes = bytes && speed > 0 ? bytes / speed : 0;
    const byFiles = files > 1 && pace > 0 ? files / pace : 0;
    return byBytes || byFiles ? Math.max(byBytes, byFiles) : null;
  }

  forget(): void {
    this.samples = [];
  }

  private per(amount: (sample: Sample) => number): number | null {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || !last || last.at - first.at < LEAST_MS) return null;
    return ((amount(last) - amount(first)) * 1000) / (last.at - first.at);
  }
}
