/** The language of the page: what was chosen last, else the first that the browser asks for. */

import { computed, effect, signal } from "@preact/signals";
import { recalled, remember } from "../memory.ts";
import { de } from "./de.ts";
import { en, type Words } from "./en.ts";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KNOWN: Readonly<Record<Language, Words>> = { en, de };

function isKnown(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(KNOWN, text);
}

function wanted(): Language {
  const chosen = recalled("language");
  if (isKnown(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.split("-")[0]).find(isKnown) ?? "en";
}

export const language = signal<Language>(wanted());
export const words = computed<Words>(() => KNOWN[language.value]);

/** How dates and numbers are written: as the browser is set, where that is the same language. */
export const locale = computed(
  () => navigator.languages.find((tag) => tag.split("-")[0] === language.value) ?? language.value,
);

export function speak(chosen: Language): void {
  language.value = chosen;
  remember("language", chosen);
}

effect(() => {
  document.documentElement.lang = language.value;
});
