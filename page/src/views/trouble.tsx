/** In place of what could not be fetched: why, and another try. */

import type { Problem } from "../ask.ts";
import { words } from "../strings/words.ts";
import { sentenceOf } from "../tree/sentences.ts";

interface Props {
  readonly problem: Problem;
  readonly onRetry: () => void;
}

export function Trouble({ problem, onRetry }: Props) {
  return (
    <div class="trouble" role="alert">
      <p>{sentenceOf(problem)}</p>
      <button type="button" class="small" onClick={onRetry}>
        {words.value.retry}
      </button>
    </div>
  );
}
