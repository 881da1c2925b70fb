/** Who had signed in when the page was loaded, and whether they still are who asks. */

const CHANNEL = "noclobber-owner";

export class Owner {
  /** Null where no answer came. */
  private readonly first: Promise<string | null>;
  private readonly look: () => Promise<string | null>;
  private readonly told: (isOurs: boolean) => void;
  private readonly channel = new BroadcastChannel(CHANNEL);

  /** `look`: who asks now; empty where nobody has signed in. `told`: whether it is who began. */
  constructor(look: () => Promise<string | null>, told: (isOurs: boolean) => void) {
    this.look = look;
    this.told = told;
    this.first = look();
    this.channel.onmessage = ({ data }: MessageEvent<string>) => void this.compare(data);
    void this.first.then((name) => this.pass(name));
  }

  get name(): Promise<string> {
    return this.first.then((name) => name ?? "");
  }

  async check(): Promise<void> {
    const now = await this.look();
    if (now !== null) await this.compare(now);
  }

  end(): void {
    this.channel.close();
  }

  /** The other tabs have the same cookie, and so the same person by now. */
  private pass(name: string | null): void {
    if (name !== null) this.channel.postMessage(name);
  }

  private async compare(now: string): Promise<void> {
    const first = await this.first;
    if (first !== null) this.told(now === first);
  }
}
