/** The one uploader of the page, what of it is on the screen, and what it hears from the browser. */

import { signal } from "@preact/signals";
import { pathOf, written } from "../address.ts";
import { folder } from "../tree/folder.ts";
import type { Item } from "./item.ts";
import { Keeping } from "./keeping.ts";
import { Owner } from "./owner.ts";
import { freshSession, notePaused, ownSession, Sessions, wasPaused } from "./sessions.ts";
import { inList, inTransfer, type Source, type Walk } from "./sources.ts";
import { Uploader } from "./uploader.ts";
import { whoAsks, whoAsksNow } from "./who.ts";

const LOOK_MS = 400;

/** Counts on whenever something has changed; at most once for each picture on the screen. */
export const revision = signal(0);
export const isAsking = signal(false);
export const isDropping = signal(false);
/** Somebody else has signed in since: what goes out now would be theirs. */
export const isOthers = signal(false);
/** Whether files are taken here at all: then there is a place on the page that says so. */
export const isTaking = signal(false);

const sessions = new Sessions(ownSession());
const owner = new Owner(whoAsksNow, attend);
const keeping = new Keeping(sessions.own, whoAsks());
let isDrawn = true;

export const uploader: Uploader = new Uploader(keeping, () => {
  if (!isDrawn) return;
  isDrawn = false;
  setTimeout(() => {
    isDrawn = true;
    revision.value += 1;
  }, 60);
});

/** The uploader as it is now: whatever looks at it is drawn anew when something has changed. */
export function now(): Uploader {
  void revision.value;
  return uploader;
}

export function choose(files: Iterable<File>): void {
  begin(inList([...files]));
}

function begin(walk: Walk): void {
  if (isOthers.value) return;
  void uploader.add(walk, written(pathOf(folder.value)));
}

/** What one person has begun is not gone on with by the next who signs in here. */
function attend(isOurs: boolean): void {
  if (isOurs === !isOthers.value) return;
  isOthers.value = !isOurs;
  if (isOurs) {
    if (!wasPaused()) uploader.goOn();
    return;
  }
  const byHand = wasPaused();
  uploader.pause();
  notePaused(byHand);
  if (uploader.queue.length === 0) location.reload();
}

/** Goes on with what this tab had begun before it was left, and with what no tab cares for now. */
async function takeUp(): Promise<void> {
  const kept = await keeping.all();
  if (!kept.length) return;
  const ours = await sessions.orphans(new Set([sessions.own, ...kept.map((one) => one.session)]));
  if (!ours.has(sessions.own)) {
    sessions.own = freshSession();
    keeping.session = sessions.own;
  }
  for (const one of kept.filter((found) => ours.has(found.session))) {
    uploader.restore(one.item, await readable(one.item, await keeping.sourceOf(one.item.id)));
  }
  uploader.queue.paused = wasPaused() || isOthers.value;
  uploader.pump();
}

/** A handle whose leave has run out needs a click before it opens again. */
async function readable(item: Item, source: Source | null): Promise<Source | null> {
  if (!source || source instanceof File || item.phase === "done") return source;
  const asked = source as { queryPermission?: (wish: object) => Promise<PermissionState> };
  const state = await asked.queryPermission?.({ mode: "read" }).catch(() => "denied");
  return state === "granted" ? source : null;
}

/** Asks for leave to read again what was let go of; false where there is nothing to ask for. */
export async function reopen(): Promise<boolean> {
  let opened = false;
  for (const item of uploader.queue.of("lost")) {
    const source = await keeping.sourceOf(item.id);
    if (!source || source instanceof File) continue;
    const asked = source as { requestPermission?: (wish: object) => Promise<PermissionState> };
    const state = await asked.requestPermission?.({ mode: "read" }).catch(() => "denied");
    if (state !== "granted") return opened;
    uploader.reopened(item, source);
    opened = true;
  }
  return opened;
}

function isForUs(event: DragEvent): boolean {
  return isTaking.value && (event.dataTransfer?.types.includes("Files") ?? false);
}

function listen(): void {
  let leaving: ReturnType<typeof setTimeout> | null = null;
  addEventListener("dragover", (event) => {
    if (!isForUs(event)) return;
    event.preventDefault();
    if (leaving !== null) clearTimeout(leaving);
    // It is told again and again while something is held over the page, and then no more.
    leaving = setTimeout(() => {
      isDropping.value = false;
    }, 300);
    isDropping.value = true;
  });
  addEventListener("drop", (event) => {
    if (!isForUs(event) || !event.dataTransfer) return;
    event.preventDefault();
    isDropping.value = false;
    begin(inTransfer(event.dataTransfer));
  });
  addEventListener("paste", (event) => {
    if (!isTaking.value || !event.clipboardData?.files.length) return;
    event.preventDefault();
    begin(inTransfer(event.clipboardData));
  });
  addEventListener("online", () => uploader.wake());
  addEventListener("pagehide", () => void keeping.flush());
  document.addEventListener("visibilitychange", () => {
    void keeping.flush();
    if (document.visibilityState === "visible") void owner.check();
  });
}

/** The speed is looked at in even steps; and what was refused or broken, for whose it was. */
function look(): void {
  let before = "";
  setInterval(() => {
    const { queue, rate, rests } = uploader;
    const trouble = `${queue.countOf("failed")} ${rests.isOffline}`;
    if (before && trouble !== before) void owner.check();
    before = trouble;
    if (queue.countOf("sending") > 0) {
      rate.note(performance.now(), uploader.moved, queue.countOf("done"));
      revision.value += 1;
    }
  }, LOOK_MS);
}

export function start(): void {
  listen();
  look();
  void takeUp();
}
