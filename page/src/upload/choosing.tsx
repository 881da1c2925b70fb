/** Where files and folders are chosen: two buttons, for those who do not drop. */

import { useEffect, useRef } from "preact/hooks";
import { words } from "../strings/words.ts";
import { choose, isTaking } from "./store.ts";

export function Choosing({ heading }: { readonly heading: string }) {
  const { addFiles, addFolder, orDrop } = words.value.uploading;
  useEffect(() => {
    isTaking.value = true;
    return () => {
      isTaking.value = false;
    };
  }, []);
  return (
    <section class="choosing" aria-label={heading}>
      <Chooser label={addFiles} weight="main" folders={false} />
      <Chooser label={addFolder} weight="" folders={true} />
      <p class="hint">{orDrop}</p>
    </section>
  );
}

interface Props {
  readonly label: string;
  readonly weight: string;
  readonly folders: boolean;
}

export function Chooser({ label, weight, folders }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class={weight} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        type="file"
        ref={input}
        multiple
        hidden
        {...(folders ? { webkitdirectory: true } : {})}
        aria-label={label}
        data-chooses={folders ? "folder" : "files"}
        onChange={(event) => {
          choose(event.currentTarget.files ?? []);
          // The same may be chosen again.
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}
