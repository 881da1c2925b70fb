/** What was done, and how to take it back. It stays until the next deed, or until it is put away. */

import { words } from "../strings/words.ts";
import { notice } from "../tree/asking.ts";

export function NoticeLine() {
  const told = notice.value;
  function put(): void {
    notice.value = null;
  }
  return (
    <div class="told" role="status" hidden={!told}>
      {told && (
        <>
          <p dir="auto">{told.text}</p>
          {told.undo && (
            <button
              type="button"
              class="small"
              onClick={() => {
                put();
                told.undo?.();
              }}
            >
              {words.value.undo}
            </button>
          )}
          <button type="button" class="icon" aria-label={words.value.dismiss} onClick={put}>
            ×
          </button>
        </>
      )}
    </div>
  );
}
