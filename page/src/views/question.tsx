/** What is left to be decided, all of it in one place, and at once for all of a kind. */

import { words } from "../strings/words.ts";
import { choices, questions, said, settle } from "../tree/asking.ts";
import type { Refused } from "../tree/verbs.ts";
import { Modal } from "./modal.tsx";

function leaveAll(): void {
  questions.value = [];
}

export function Questions() {
  const asked = questions.value;
  if (!asked.length) return null;
  return (
    <Modal title={words.value.questions(asked.length)} onClose={leaveAll}>
      <ul class="questions">
        {asked.map((one) => (
          <Question key={one.deed.entry.href} asked={one} />
        ))}
      </ul>
    </Modal>
  );
}

function Question({ asked }: { readonly asked: Refused }) {
  const alike = questions.value.filter(({ problem }) => problem.slug === asked.problem.slug);
  const isFirst = alike[0] === asked;
  const offered = choices(asked);
  return (
    <li>
      <p dir="auto">{said(asked)}</p>
      <div class="answers">
        {offered.map(({ label, deed }, at) => (
          <span key={label} class="answer">
            <button
              type="button"
              class={deed ? "grave" : ""}
              onClick={() => void settle(asked, at, false)}
            >
              {label}
            </button>
            {isFirst && alike.length > 1 && (
              <button
                type="button"
                class="quiet small"
                aria-label={`${label}: ${words.value.forAll(alike.length)}`}
                onClick={() => void settle(asked, at, true)}
              >
                {words.value.forAll(alike.length)}
              </button>
            )}
          </span>
        ))}
      </div>
    </li>
  );
}
