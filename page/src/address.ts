/**
 * Addresses: of files and folders as the server gives them (`/files/a/b/`), of their pages
 * (`/browse/a/b/`), and the path that both mean. Pure.
 */

const FILES = "/files/";
const BROWSE = "/browse/";

/** Names from the top down; the top folder itself has none. */
export type Path = readonly string[];

export interface Crumb {
  readonly name: string;
  readonly href: string;
}

/** The folder that a page shows, as the address of the folder; null where it shows none. */
export function folderOfPage(pathname: string): string | null {
  const rest = [BROWSE, FILES].find((prefix) => pathname.startsWith(prefix));
  return rest && pathname.endsWith("/") ? FILES + pathname.slice(rest.length) : null;
}

export function pageOf(folder: string): string {
  return BROWSE + folder.slice(FILES.length);
}

export function isFolder(href: string): boolean {
  return href.endsWith("/");
}

export function pathOf(href: string): Path {
  const parts = href.slice(FILES.length).split("/");
  return parts.filter((part) => part !== "").map(decodeURIComponent);
}

export function fileHref(path: Path): string {
  return FILES + path.map(encodeURIComponent).join("/");
}

export function folderHref(path: Path): string {
  return path.length ? `${fileHref(path)}/` : FILES;
}

/** As the server wants it in a query: not percent-encoded. */
export function written(path: Path): string {
  return path.join("/");
}

export function nameOf(href: string): string {
  return pathOf(href).at(-1) ?? "";
}

export function parentOf(href: string): string {
  return folderHref(pathOf(href).slice(0, -1));
}

/** Two spellings of one address: which characters are percent-encoded is not always the same. */
export function same(one: string, other: string): boolean {
  return isFolder(one) === isFolder(other) && written(pathOf(one)) === written(pathOf(other));
}

export function isWithin(href: string, folder: string): boolean {
  const above = pathOf(folder);
  const path = pathOf(href);
  return path.length > above.length && above.every((name, depth) => path[depth] === name);
}

/** The folders that lead here, without the top one; the last is the folder itself. */
export function crumbs(folder: string): Crumb[] {
  const path = pathOf(folder);
  return path.map((name, depth) => ({ name, href: folderHref(path.slice(0, depth + 1)) }));
}
