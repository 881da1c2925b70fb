/** Every sentence of the page, in German. */

import type { Words } from "./en.ts";
import { upload as uploading } from "./upload.de.ts";

export const de: Words = {
  title: "noclobber",
  uploading,
  language: "Sprache",
  files: "Dateien",
  where: "Wo das ist",
  entries: (count) => (count === 1 ? "1 Eintrag" : `${count.toLocaleString("de")} Einträge`),
  entriesSoFar: (count) => `${count.toLocaleString("de")} Einträge bis jetzt`,
  loading: "Einen Moment …",
  contents: "Was in diesem Ordner ist",
  name: "Name",
  size: "Größe",
  modified: "Geändert",
  kind: "Art",
  folder: "Ordner",
  history: "Verlauf",
  more: "Mehr",
  bytes: (count) => (count === 1 ? "1 Byte" : `${count.toLocaleString("de")} Bytes`),
  emptyYours:
    "Dieser Ordner ist leer. Was du hineinlegst, bleibt, bis es jemand absichtlich ersetzt oder löscht.",
  emptyOthers: "Hier ist nichts, was du sehen darfst.",
  nothingFound: (typed) => `Kein Name hier enthält „${typed}“.`,
  search: "In diesem Ordner suchen",
  retry: "Noch einmal versuchen",
  offline: "Der Server antwortet nicht. Ist das Netz da?",
  dropBox: "Briefkasten",
  dropBoxLead:
    "Hier kannst du Dateien einwerfen. Weder du noch andere Einwerfende sehen, was darin ist.",
  addFiles: "Dateien hier hinzufügen",
  handIn: "Dateien einwerfen",
  kinds: {
    "application/octet-stream": "unbekannt",
    "application/pdf": "PDF",
    "application/zip": "ZIP-Archiv",
    "application/gzip": "gzip-Archiv",
    "application/json": "JSON",
    "image/jpeg": "JPEG-Bild",
    "image/png": "PNG-Bild",
    "image/gif": "GIF-Bild",
    "image/webp": "WebP-Bild",
    "image/avif": "AVIF-Bild",
    "text/plain": "Text",
    "text/csv": "CSV-Tabelle",
    "text/html": "HTML",
  },
};
