/** The focus of who goes by keys: it falls out of the page with what it was on. */

/** Where it has fallen, or will with what is `going`, it goes on at this place. */
export function catchFocus(place: HTMLElement | null, going: Element | null = null): void {
  const at = document.activeElement;
  if (!at || at === document.body || going?.contains(at)) place?.focus();
}
