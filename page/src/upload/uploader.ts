/** Moves the items on: asks, computes digests, sends, and waits where it must. Knows no screen. */

import type { Outcome } from "./answers.ts";
import { AT_ONCE, askedOf, changeBy, isOurs, judge, refusalIn } from "./asking.ts";
import { Bytes } from "./bytes.ts";
import {
  anew,
  later,
  left,
  onward,
  renamed,
  restored,
  retried,
  WITHOUT,
  WITHOUT_UPLOAD,
} from "./changes.ts";
import { Digesting, HASHED_AT_ONCE } from "./digesting.ts";
import { Hashing } from "./hashing.ts";
import { type Choice, canBeTried, type Item, type Refusal } from "./item.ts";
import type { Keeping } from "./keeping.ts";
import { freshId } from "./keys.ts";
import { Prints } from "./prints.ts";
import { Probing } from "./probing.ts";
import { decided, parkedAt } from "./questions.ts";
import { type Change, Queue } from "./queue.ts";
import { Rate } from "./rate.ts";
import { discard, giveBack, preflight } from "./requests.ts";
import { Alarm, Rest } from "./rest.ts";
import { goesInPieces, IN_PIECES_FROM, type Sent, send } from "./sending.ts";
import { notePaused } from "./sessions.ts";
import type { Found, Source, Walk } from "./sources.ts";
import { Taking } from "./taking.ts";
import { refused } from "./verdicts.ts";
import { whoAsksNow } from "./who.ts";

/** Browsers open six connections to a server, and the page wants some of them for itself. */
const SENT_AT_ONCE = 4;
const LARGE_AT_ONCE = 2;

export class Uploader {
  readonly queue: Queue;
  readonly rate = new Rate();
  readonly rests = new Rest();
  /** Bytes that have gone over the wire: what is there already does not make it faster. */
  moved = 0;
  /** Folders are still being walked through. */
  walking = 0;
  /** Whoever had signed in is not known any more: all waits for them. */
  isSignedOut = false;
  readonly bytes: Bytes;
  private readonly keeping: Keeping;
  private readonly changed: () => void;
  private readonly hashing = new Hashing();
  private readonly prints = new Prints(this.hashing);
  private readonly digesting: Digesting;
  private readonly taking: Taking;
  private readonly under = new Map<string, AbortController>();
  private readonly probing: Probing;
  private algorithm = "blake3";
  private isAsking = false;
  private readonly alarm = new Alarm(() => this.look());

  constructor(keeping: Keeping, changed: () => void) {
    this.keeping = keeping;
    this.bytes = new Bytes(keeping);
    this.changed = changed;
    this.queue = new Queue((item) => {
      keeping.note(item);
      changed();
    });
    this.probing = new Probing(this.queue);
    this.digesting = new Digesting(this.queue, this.bytes, this.hashing);
    this.taking = new Taking(this.queue, this.bytes, this.prints);
  }

  /** `folder`: the path of the folder that they are dropped into. */
  async add(walk: Walk, folder: string): Promise<void> {
    this.walking += 1;
    // What was paused is not there any more.
    if (this.queue.length === 0 && this.queue.paused) this.goOn();
    try {
      for await (const found of walk) {
        await this.take(found, folder);
        if (this.queue.length % AT_ONCE === 0) this.pump();
      }
    } finally {
      this.walking -= 1;
      this.pump();
    }
  }

  restore(item: Item, source: Source | null): void {
    if (source) this.bytes.put(item.id, source);
    this.queue.put(restored(item, source !== null));
  }

  /** Its bytes can be read again. */
  reopened(item: Item, source: Source): void {
    this.bytes.take(item.id, source);
    this.queue.change(item.id, { phase: onward(item) });
    this.pump();
  }

  pause(): void {
    notePaused(true);
    this.stop();
  }

  private stop(): void {
    this.queue.paused = true;
    for (const controller of this.under.values()) controller.abort();
    this.rate.forget();
    this.changed();
  }

  goOn(): void {
    this.queue.paused = false;
    this.isSignedOut = false;
    notePaused(false);
    this.wake();
  }

  /** At once, whatever it was waiting for. */
  wake(): void {
    this.rests.end();
    this.pump();
  }

  hold(id: string): void {
    this.queue.change(id, { held: true });
    this.under.get(id)?.abort();
  }

  release(id: string): void {
    this.queue.change(id, { held: false });
    this.pump();
  }

  retry(items: readonly Item[]): void {
    for (const item of items.filter(canBeTried)) {
      this.queue.change(item.id, retried(item));
    }
    this.pump();
  }

  rename(item: Item, name: string): void {
    const changed = this.queue.change(item.id, renamed(item, name));
    if (changed) this.retry([changed]);
  }

  cancel(items: readonly Item[]): void {
    for (const item of items) {
      this.under.get(item.id)?.abort();
      this.hashing.giveUp(item.id);
      this.drop(item.id);
      // What has come so far would only lie there until its time is over.
      const begun = item.phase === "done" ? [] : [item.upload, parkedAt(item)];
      for (const upload of begun) if (upload) void giveBack(upload);
    }
    this.changed();
    this.pump();
  }

  /** Of what was shown: some of it may have been answered by now. */
  decide(items: readonly Item[], choice: Choice): void {
    for (const item of items) {
      if (this.queue.get(item.id)?.phase !== "question") continue;
      const decision = decided(item, choice);
      this.probing.forget(item.id);
      if ("plan" in decision) {
        const { plan } = decision;
        this.queue.change(item.id, { phase: "ready", plan, key: freshId(), tries: 0, ...WITHOUT });
      } else {
        if (decision.discard) void discard(decision.discard);
        const where = decision.href ? { href: decision.href } : {};
        this.queue.change(item.id, { phase: "done", result: decision.result, ...where });
      }
    }
    this.pump();
  }

  /** The report has been read. */
  clear(): void {
    for (const { id } of this.queue.of("done")) this.drop(id);
    this.cancel(this.queue.of("failed"));
    this.rate.forget();
    this.changed();
  }

  pump(): void {
    this.changed();
    if (this.queue.paused) return;
    const now = Date.now();
    if (now < this.rests.until) {
      this.alarm.at(this.rests.until);
      return;
    }
    void this.ask(now);
    void this.probe();
    for (let more = HASHED_AT_ONCE; more > 0; more -= 1) {
      void this.digesting.next(this.algorithm, now).then((isMore) => isMore && this.pump());
    }
    this.sendSome(now);
  }

  private async take(found: Found, folder: string): Promise<void> {
    const { dropped, source } = found;
    const path = folder ? `${folder}/${dropped.path}` : dropped.path;
    const place = await this.taking.placeOf(found, path);
    if (place.is === "on its way") return;
    if (place.is === "again" && source) return this.chosenAgain(place.item, source);
    const before = this.queue.at(path);
    // It was changed since: what had come of it is not wanted any more.
    if (before?.phase === "lost" || before?.phase === "failed") this.cancel([before]);
    const id = freshId();
    const item = this.queue.add({ ...dropped, path }, id);
    if (source) this.bytes.take(id, source);
    if (found.isUnreadable) {
      this.queue.change(id, { phase: "failed", refusal: NOT_READABLE });
    } else if (item.type === "folder") {
      this.queue.change(id, { phase: "ready", plan: { path, as: "stored" } });
    }
  }

  private chosenAgain(item: Item, source: Source): void {
    // Nothing tells whether it was begun with these very bytes.
    if (!item.print) this.beginAnew(item);
    this.bytes.take(item.id, source);
    this.queue.change(item.id, item.phase === "failed" ? retried(item) : { phase: onward(item) });
    this.pump();
  }

  private beginAnew({ id, upload }: Item): Item | null {
    if (upload) void giveBack(upload);
    return this.queue.change(id, anew());
  }

  /** Only the bytes that an upload was begun with are put behind those that have come of it. */
  private async compared(item: Item): Promise<Item> {
    if (!goesInPieces(item)) return item;
    const print = await this.prints.of(await this.bytes.of(item.id));
    const isAnother = item.upload && item.print && item.print !== print;
    if (isAnother) this.beginAnew(item);
    return this.queue.change(item.id, { print }) ?? item;
  }

  private async ask(now: number): Promise<void> {
    const items = this.queue.next("waiting", AT_ONCE, now);
    if (this.isAsking || !items.length) return;
    this.isAsking = true;
    const foretold = await preflight(items.map(askedOf), NEVER);
    this.isAsking = false;
    if (foretold === "no answer") return this.rest();
    this.rests.heard();
    const refusal = refusalIn(foretold);
    if ("verdicts" in foretold) {
      this.algorithm = foretold.algorithm;
      for (const [index, verdict] of foretold.verdicts.entries()) {
        const item = this.queue.get(items[index]?.id ?? "");
        const until = item?.phase === "waiting" && judge(this.queue, item, verdict, Date.now());
        if (until) this.alarm.at(until);
      }
    } else if (refusal && this.isToSignIn(refusal)) {
      for (const item of items) this.signedOut(item, { phase: "waiting" });
    } else if (refusal) {
      for (const { id } of items) this.queue.change(id, { phase: "failed", refusal });
    }
    this.pump();
  }

  private async probe(): Promise<void> {
    const told = await this.probing.ask();
    if (told === "no answer") this.rest();
    else if (told === "told") this.pump();
  }

  private sendSome(now: number): void {
    const isLarge = (item: Item | null) => (item?.size ?? 0) >= IN_PIECES_FROM;
    let large = [...this.under.keys()].filter((id) => isLarge(this.queue.get(id))).length;
    for (const item of this.queue.next("ready", SENT_AT_ONCE * 8, now)) {
      if (this.under.size >= SENT_AT_ONCE) return;
      if (isLarge(item) && large >= LARGE_AT_ONCE) continue;
      if (isLarge(item)) large += 1;
      void this.sendOne(item);
    }
  }

  private async sendOne(item: Item): Promise<void> {
    const { id, plan } = item;
    if (!plan) return;
    const controller = new AbortController();
    this.under.set(id, controller);
    this.queue.change(id, { phase: "sending" });
    const watcher = {
      begun: (upload: string) => void this.queue.change(id, { upload }),
      sent: (bytes: number) => {
        const sent = Math.min(bytes, item.size);
        this.moved += Math.max(0, sent - (this.queue.get(id)?.sent ?? sent));
        if (!controller.signal.aborted) this.queue.change(id, { sent });
      },
    };
    const bytes = () => this.bytes.of(id);
    const sent = await send(await this.compared(item), plan, bytes, controller.signal, watcher);
    this.under.delete(id);
    const now = this.queue.get(id);
    if (now) this.end(now, sent, controller.signal.aborted);
    this.pump();
  }

  private end(item: Item, sent: Sent, aborted: boolean): void {
    const { id } = item;
    const back: Change = { phase: "ready", sent: item.upload ? item.sent : 0 };
    if (sent.is === "stored") {
      this.rests.heard();
      this.bytes.drop(id);
      this.queue.change(id, { phase: "done", ...WITHOUT, ...sent.stored });
    } else if (aborted) {
      this.queue.change(id, back);
    } else if (sent.is === "unreadable") {
      this.bytes.drop(id);
      this.queue.change(id, { phase: "lost" });
    } else if (sent.is === "refused") {
      this.rests.heard();
      if (this.isToSignIn(sent.refusal)) this.signedOut(item, back);
      else this.refuse(item, sent.refusal);
    } else {
      this.breakOff(item, back, sent);
    }
  }

  private refuse(item: Item, refusal: Refusal): void {
    const step = refused(item, refusal, isOurs(this.queue, refusal.existing?.href));
    const { key } = step.do === "send" || step.do === "again" ? { key: freshId() } : item;
    const change = changeBy(step, Date.now());
    this.queue.change(item.id, { key, ...left(item, refusal), ...change });
    if (change.until) this.alarm.at(change.until);
  }

  /** Whoever had not signed in is told, as of any other right. */
  private isToSignIn({ status }: Refusal): boolean {
    return status === 401 && Boolean(this.keeping.owner);
  }

  private signedOut({ id }: Item, back: Change): void {
    this.queue.change(id, back);
    this.isSignedOut = true;
    this.rests.heard();
    this.stop();
  }

  /** What is there for its owner alone is gone for whoever has been signed out. */
  private async begunIsGone(item: Item, back: Change): Promise<void> {
    const who = await whoAsksNow();
    if (who === null) return this.breakOff(item, back, { is: "broken", answered: false });
    if (who !== (this.keeping.owner ?? who)) return this.signedOut(item, back);
    this.tryLater(item, { ...back, ...WITHOUT_UPLOAD, sent: 0 }, 0);
  }

  private breakOff(item: Item, back: Change, broken: Outcome & { is: "broken" }): void {
    if (!broken.answered) {
      this.queue.change(item.id, back);
      this.rest();
      return;
    }
    if (broken.after === 0 && item.upload) void this.begunIsGone(item, back);
    else this.tryLater(item, back, broken.after);
  }

  private tryLater({ id, tries }: Item, back: Change, after?: number): void {
    const change = later(tries + 1, Date.now(), after);
    this.queue.change(id, { ...back, ...change });
    if (change.until) this.alarm.at(change.until);
  }

  private rest(): void {
    this.rests.broke(Date.now());
    this.rate.forget();
    this.pump();
  }

  /** What waits longer is looked for again. */
  private look(): void {
    const now = Date.now();
    const later = [...this.queue.of("waiting"), ...this.queue.of("ready")]
      .map(({ until }) => until)
      .filter((until) => until > now);
    if (later.length) this.alarm.at(Math.min(...later));
    this.pump();
  }

  private drop(id: string): void {
    this.queue.remove(id);
    this.bytes.drop(id);
    this.probing.forget(id);
    this.keeping.forget(id);
  }
}

const NOT_READABLE = { slug: "not-readable", status: 0, title: "", detail: "", next: "" };
const NEVER = new AbortController().signal;
