/** A dialog that has the page to itself: Escape closes it, and the focus goes back. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../strings/words.ts";

interface Props {
  readonly title: ComponentChildren;
  readonly wide?: boolean;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Modal({ title, wide = false, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "modal wide" : "modal"}
      aria-labelledby="modal-title"
      onClose={onClose}
      onCancel={onClose}
    >
      <header>
        <h2 id="modal-title">{title}</h2>
        <button type="button" class="icon" aria-label={words.value.close} onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}
