/** Links within the tree. They are links, so that they open in another tab, too. */

import type { ComponentChildren } from "preact";
import { pageOf } from "../address.ts";
import { visit } from "../tree/folder.ts";

interface Props {
  readonly href: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function FolderLink({ href, children, ...rest }: Props) {
  function follow(event: MouseEvent): void {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    visit(href);
  }
  return (
    <a {...rest} href={pageOf(href)} onClick={follow}>
      {children}
    </a>
  );
}
