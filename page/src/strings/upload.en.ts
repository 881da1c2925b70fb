/** The sentences about uploading, in English. */

import type { Choice, Kind, Result } from "../upload/item.ts";

const count = (number: number) => number.toLocaleString("en");
const files = (number: number) => (number === 1 ? "1 file" : `${count(number)} files`);

export const upload = {
  addFiles: "Upload files",
  addFolder: "Upload a folder",
  orDrop: "or drop them anywhere on this page",
  dropHere: (folder: string) => `Drop it here to add it to ${folder}`,
  panel: "Uploads",
  looking: "Looking through what you chose …",
  uploading: (done: number, all: number) => `Uploading: ${count(done)} of ${files(all)}`,
  paused: (done: number, all: number) => `Paused: ${count(done)} of ${files(all)}`,
  waiting: (number: number) => `${files(number)} ${number === 1 ? "waits" : "wait"} for you`,
  finished: (number: number) => `Done: ${files(number)}`,
  speed: (perSecond: string) => `${perSecond}/s`,
  left: (seconds: number) => {
    if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
    if (seconds < 3600) return `${Math.round(seconds / 60)} min left`;
    return `${count(Math.round(seconds / 360) / 10)} h left`;
  },
  of: (done: string, all: string) => `${done} of ${all}`,
  total: "All of it",
  pause: "Pause",
  goOn: "Go on",
  cancelAll: "Cancel all",
  cancel: "Cancel",
  retry: "Try again",
  retryFailed: (number: number) =>
    number === 1 ? "Try the failed one again" : `Try the ${count(number)} failed ones again`,
  close: "Close",
  showList: "Show all files",
  hideList: "Hide the files",
  list: "Files on their way",
  name: (action: string, name: string) => `${action}: ${name}`,
  offline: "The server does not answer. It goes on by itself as soon as it does.",
  others: "Somebody else is signed in here now. What you have begun waits until you are back.",
  loadAnew: "Load the page anew",
  signedOut: "You are not signed in any more. Sign in again in another tab, then go on here.",
  lost: (number: number) =>
    `The browser has let go of ${files(number)}. Choose or drop the same again: it goes on where it stopped.`,
  reopen: "Open them again",
  phases: {
    waiting: "waits",
    hashing: "is it there already?",
    question: "needs a decision",
    ready: "waits",
    sending: "on its way",
    done: "done",
    failed: "not taken",
    lost: "choose it again",
  },
  held: "paused",
  report: {
    stored: (number: number) => `${count(number)} stored`,
    there: (number: number) => `${count(number)} already there`,
    replaced: (number: number) => `${count(number)} replaced`,
    both: (number: number) => `${count(number)} kept beside the other`,
    linked: (number: number) =>
      number === 1
        ? "1 second name for a known content"
        : `${count(number)} second names for known contents`,
    received: (number: number) => `${count(number)} received`,
    skipped: (number: number) => `${count(number)} left out`,
    undone: (number: number) => `${count(number)} taken back`,
  } satisfies Record<Result, (number: number) => string>,
  failed: (number: number) => `${count(number)} not taken`,
  unavailable: "The server could not take it now.",
  notReadable: "Your browser cannot read this file.",
  folderNotReadable: "Your browser cannot read all of this folder.",
  newName: "Another name",
  rename: "Try with this name",
  more: (number: number) => `Show ${count(number)} more`,
  undo: "Undo",
  undoAll: (number: number) => `Undo all ${count(number)}`,
  undoFailed: "It was changed since, and is left as it is.",
  questions: (number: number) => (number === 1 ? "1 question" : `${count(number)} questions`),
  answer: (number: number) =>
    number === 1 ? "Answer the question" : `Answer ${count(number)} questions`,
  later: "Decide later",
  position: (at: number, all: number) => `${count(at)} of ${count(all)}`,
  previous: "Previous",
  next: "Next",
  kinds: {
    name: "Another file has this name",
    equivalent: "A name that counts as the same is taken",
    content: "This very content is there under another name",
    clash: "A folder and a file cannot share a name",
    gone: "What you wanted to replace is gone",
  } satisfies Record<Kind, string>,
  changed:
    "It was changed by somebody else while you decided. Nothing was overwritten; this is what is there now.",
  gone: "Somebody deleted or moved it while you decided. Nothing was overwritten.",
  existing: "Already there",
  yours: "Yours",
  unknown: "There is a file that you may not look at.",
  nothing: "Nothing that you may see has this name now.",
  facts: { folder: "Folder", size: "Size", date: "Changed", by: "By" },
  differs: "differs",
  pictureThere: "The picture that is there",
  pictureYours: "Your picture",
  textThere: "First lines of what is there",
  textYours: "First lines of yours",
  what: "What shall happen?",
  choices: {
    store: "Store mine",
    replace: "Replace it",
    both: "Keep both",
    link: "Add this name, too",
    use: "Use the one that is there",
    skip: "Leave mine out",
  } satisfies Record<Choice, string>,
  meanings: {
    store: (name: string) => `It is called ${name}`,
    replace: () => "The old version stays in the history.",
    both: (name: string) => `Yours becomes ${name}`,
    link: () => "No byte has to be sent, and it takes no more room.",
    use: () => "Nothing is stored.",
    skip: () => "Nothing changes there.",
  } satisfies Record<Choice, (name: string) => string>,
  forAll: (number: number) => `For all ${count(number)} like this`,
  told: {
    began: (number: number) => `${files(number)} chosen.`,
    asks: (number: number) =>
      `${number === 1 ? "One file needs" : `${count(number)} files need`} a decision.`,
    over: (summary: string) => `Uploading is done. ${summary}.`,
  },
};

export type UploadWords = typeof upload;
