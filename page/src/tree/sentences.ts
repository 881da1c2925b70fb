/** What the page says of a refusal of which it knows nothing better. */

import type { Problem } from "../ask.ts";
import { words } from "../strings/words.ts";

export function sentenceOf({ slug, status, detail, next }: Problem): string {
  if (slug === "offline") return words.value.offline;
  if (slug === "not-identified") return words.value.notSignedIn;
  return `${detail} ${next}`.trim() || words.value.unavailable(status);
}
