/** The way from the top folder to the one on the page. */

import { crumbs, pageOf } from "../address.ts";
import { words } from "../strings/words.ts";
import { folder } from "../tree/folder.ts";
import { FolderLink } from "./links.tsx";

export function Crumbs() {
  const trail = [{ name: words.value.files, href: "/files/" }, ...crumbs(folder.value)];
  if (trail.length === 1) return null;
  return (
    <nav class="crumbs" aria-label={words.value.where}>
      <ol>
        {trail.map(({ name, href }, depth) => (
          <li key={href}>
            {depth === trail.length - 1 ? (
              <a href={pageOf(href)} aria-current="page">
                <bdi>{name}</bdi>
              </a>
            ) : (
              <FolderLink href={href}>
                <bdi>{name}</bdi>
              </FolderLink>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
