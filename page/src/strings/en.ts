/** Every sentence of the page, in English. The other languages have the same shape. */

import { upload as uploading } from "./upload.en.ts";

export const en = {
  title: "noclobber",
  uploading,
  language: "Language",
  files: "Files",
  where: "Where this is",
  entries: (count: number) => (count === 1 ? "1 entry" : `${count.toLocaleString("en")} entries`),
  entriesSoFar: (count: number) => `${count.toLocaleString("en")} entries so far`,
  loading: "One moment …",
  contents: "What is in this folder",
  name: "Name",
  size: "Size",
  modified: "Modified",
  kind: "Type",
  folder: "folder",
  history: "History",
  more: "More",
  bytes: (count: number) => (count === 1 ? "1 byte" : `${count.toLocaleString("en")} bytes`),
  emptyYours:
    "This folder is empty. What you add stays until somebody replaces or deletes it on purpose.",
  emptyOthers: "There is nothing here that you may see.",
  nothingFound: (typed: string) => `No name here contains “${typed}”.`,
  search: "Search in this folder",
  retry: "Try again",
  offline: "The server does not answer. Is the network there?",
  dropBox: "Drop box",
  dropBoxLead: "You may hand in files here. Neither you nor others who hand in see what is inside.",
  addFiles: "Add files here",
  handIn: "Hand in files",
  kinds: {
    "application/octet-stream": "unknown",
    "application/pdf": "PDF",
    "application/zip": "ZIP archive",
    "application/gzip": "gzip archive",
    "application/json": "JSON",
    "image/jpeg": "JPEG picture",
    "image/png": "PNG picture",
    "image/gif": "GIF picture",
    "image/webp": "WebP picture",
    "image/avif": "AVIF picture",
    "text/plain": "text",
    "text/csv": "CSV table",
    "text/html": "HTML",
  } as Readonly<Record<string, string>>,
};

export type Words = typeof en;
