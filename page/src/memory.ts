/** What the page remembers from visit to visit. A browser that keeps nothing is no mistake. */

export function recalled(key: string): string | null {
  try {
    return localStorage.getItem(`noclobber.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`noclobber.${key}`, value);
  } catch {
    // Private windows may refuse: then the choice lasts as long as the page.
  }
}
