/** The sentences about uploading, in German. */

import type { UploadWords } from "./upload.en.ts";

const count = (number: number) => number.toLocaleString("de");
const files = (number: number) => (number === 1 ? "1 Datei" : `${count(number)} Dateien`);

export const upload: UploadWords = {
  addFiles: "Dateien hochladen",
  addFolder: "Ordner hochladen",
  orDrop: "oder irgendwo auf dieser Seite fallen lassen",
  dropHere: (folder) => `Hier fallen lassen, dann kommt es in ${folder}`,
  panel: "Hochladen",
  looking: "Was du gewählt hast, wird durchgesehen …",
  uploading: (done, all) => `Lädt hoch: ${count(done)} von ${files(all)}`,
  paused: (done, all) => `Angehalten: ${count(done)} von ${files(all)}`,
  waiting: (number) =>
    number === 1 ? "1 Datei wartet auf dich" : `${files(number)} warten auf dich`,
  finished: (number) => `Fertig: ${files(number)}`,
  speed: (perSecond) => `${perSecond}/s`,
  left: (seconds) => {
    if (seconds < 60) return `noch ${Math.max(1, Math.round(seconds))} s`;
    if (seconds < 3600) return `noch ${Math.round(seconds / 60)} min`;
    return `noch ${count(Math.round(seconds / 360) / 10)} h`;
  },
  of: (done, all) => `${done} von ${all}`,
  total: "Alles zusammen",
  pause: "Anhalten",
  goOn: "Weiter",
  cancelAll: "Alles abbrechen",
  cancel: "Abbrechen",
  retry: "Noch einmal",
  retryFailed: (number) =>
    number === 1
      ? "Die fehlgeschlagene noch einmal"
      : `Die ${count(number)} fehlgeschlagenen noch einmal`,
  close: "Schließen",
  showList: "Alle Dateien zeigen",
  hideList: "Dateien verbergen",
  list: "Dateien unterwegs",
  name: (action, name) => `${action}: ${name}`,
  offline: "Der Server antwortet nicht. Sobald er es tut, geht es von selbst weiter.",
  others:
    "Hier ist jetzt jemand anderes angemeldet. Was du begonnen hast, wartet, bis du wieder da bist.",
  loadAnew: "Seite neu laden",
  signedOut:
    "Du bist nicht mehr angemeldet. Melde dich in einem anderen Tab wieder an und mach dann hier weiter.",
  lost: (number) =>
    `Der Browser hat ${files(number)} losgelassen. Wähle dasselbe noch einmal: Es geht weiter, wo es aufgehört hat.`,
  reopen: "Wieder öffnen",
  phases: {
    waiting: "wartet",
    hashing: "schon da?",
    question: "braucht eine Entscheidung",
    ready: "wartet",
    sending: "unterwegs",
    done: "fertig",
    failed: "nicht angenommen",
    lost: "noch einmal wählen",
  },
  held: "angehalten",
  report: {
    stored: (number) => `${count(number)} gespeichert`,
    there: (number) => `${count(number)} schon da`,
    replaced: (number) => `${count(number)} ersetzt`,
    both: (number) => `${count(number)} daneben gespeichert`,
    linked: (number) =>
      number === 1
        ? "1 zweiter Name für bekannten Inhalt"
        : `${count(number)} zweite Namen für bekannte Inhalte`,
    received: (number) => `${count(number)} angekommen`,
    skipped: (number) => `${count(number)} weggelassen`,
    undone: (number) => `${count(number)} zurückgenommen`,
  },
  failed: (number) => `${count(number)} nicht angenommen`,
  unavailable: "Der Server konnte sie gerade nicht annehmen.",
  notReadable: "Dein Browser kann diese Datei nicht lesen.",
  folderNotReadable: "Dein Browser kann diesen Ordner nicht ganz lesen.",
  newName: "Ein anderer Name",
  rename: "Mit diesem Namen versuchen",
  more: (number) => `${count(number)} weitere zeigen`,
  undo: "Rückgängig",
  undoAll: (number) => `Alle ${count(number)} rückgängig`,
  undoFailed: "Es wurde seitdem geändert und bleibt, wie es ist.",
  questions: (number) => (number === 1 ? "1 Frage" : `${count(number)} Fragen`),
  answer: (number) =>
    number === 1 ? "Die Frage beantworten" : `${count(number)} Fragen beantworten`,
  later: "Später entscheiden",
  position: (at, all) => `${count(at)} von ${count(all)}`,
  previous: "Zurück",
  next: "Weiter",
  kinds: {
    name: "Eine andere Datei heißt so",
    equivalent: "Ein Name, der als derselbe gilt, ist vergeben",
    content: "Genau dieser Inhalt ist unter anderem Namen da",
    clash: "Ordner und Datei können nicht gleich heißen",
    gone: "Was du ersetzen wolltest, ist weg",
  },
  changed:
    "Jemand anderes hat sie geändert, während du entschieden hast. Nichts wurde überschrieben; das ist jetzt da.",
  existing: "Schon da",
  yours: "Deine",
  gone: "Jemand hat sie gelöscht oder verschoben, während du überlegt hast. Nichts wurde überschrieben.",
  nothing: "Nichts, was du sehen darfst, heißt jetzt so.",
  unknown: "Dort ist eine Datei, die du nicht ansehen darfst.",
  facts: { folder: "Ordner", size: "Größe", date: "Geändert", by: "Von" },
  differs: "anders",
  pictureThere: "Das Bild, das dort ist",
  pictureYours: "Dein Bild",
  textThere: "Die ersten Zeilen der vorhandenen",
  textYours: "Die ersten Zeilen deiner",
  what: "Was soll geschehen?",
  choices: {
    store: "Meine speichern",
    replace: "Ersetzen",
    both: "Beide behalten",
    link: "Auch diesen Namen anlegen",
    use: "Die vorhandene nehmen",
    skip: "Meine weglassen",
  },
  meanings: {
    store: (name) => `Sie heißt ${name}`,
    replace: () => "Die alte Fassung bleibt im Verlauf.",
    both: (name) => `Deine heißt dann ${name}`,
    link: () => "Kein Byte wird gesendet, und es braucht keinen weiteren Platz.",
    use: () => "Nichts wird gespeichert.",
    skip: () => "Dort ändert sich nichts.",
  },
  forAll: (number) => `Für alle ${count(number)} solchen`,
  told: {
    began: (number) => `${files(number)} gewählt.`,
    asks: (number) =>
      number === 1
        ? "Eine Datei braucht eine Entscheidung."
        : `${count(number)} Dateien brauchen eine Entscheidung.`,
    over: (summary) => `Das Hochladen ist fertig. ${summary}.`,
  },
};
