/** A dialog that has the page to itself: Escape closes it, and the focus goes back. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../strings/words.ts";
import { active, wanted } from "../tree/selection.ts";

interface Props {
  readonly title: ComponentChildren;
  readonly wide?: boolean;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Modal({ title, wide = false, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const isGone = useRef(false);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const { current } = element;
    current?.showModal();
    return () => {
      // Nothing outside takes the focus as long as it is open; and it is told of after it is gone.
      isGone.current = true;
      current?.close();
      if (before?.isConnected && before !== document.body) (before as HTMLElement).focus();
      // What it had been opened with is gone: on with the entry.
      else wanted.value = active.value;
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "modal wide" : "modal"}
      aria-labelledby="modal-title"
      onClose={() => isGone.current || onClose()}
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
