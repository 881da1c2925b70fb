/** Asks for a name: of a new folder, or another one for what is there. */

import { useRef, useState } from "preact/hooks";
import type { Problem } from "../ask.ts";
import { words } from "../strings/words.ts";
import { dialog, rename, tell } from "../tree/asking.ts";
import type { Entry } from "../tree/entries.ts";
import { folder, load, visit } from "../tree/folder.ts";
import { isName } from "../tree/names.ts";
import { wanted } from "../tree/selection.ts";
import { sentenceOf } from "../tree/sentences.ts";
import { makeFolder } from "../tree/verbs.ts";
import { Modal } from "./modal.tsx";

function close(): void {
  dialog.value = null;
}

export function NewFolder() {
  const [problem, setProblem] = useState<Problem | null>(null);
  const { newFolder, folderName, create, taken, openThat, made } = words.value;
  const existing = problem?.existing?.href;

  async function make(name: string): Promise<void> {
    const answer = await makeFolder(folder.value, name);
    if (!answer.ok) {
      setProblem(answer.problem);
      return;
    }
    close();
    tell(made(name));
    await load();
    wanted.value = name;
  }

  function wrong(name: string): string {
    if (!problem) return "";
    return existing ? taken(name) : sentenceOf(problem);
  }

  return (
    <Modal title={newFolder} onClose={close}>
      <NameForm label={folderName} initial="" verb={create} wrong={wrong} onName={make}>
        {existing?.endsWith("/") && (
          <button
            type="button"
            onClick={() => {
              close();
              visit(existing);
            }}
          >
            {openThat}
          </button>
        )}
      </NameForm>
    </Modal>
  );
}

interface RenameProps {
  readonly entry: Entry;
  /** What was typed before, and could not be. */
  readonly name?: string;
}

export function Rename({ entry, name: before = entry.name }: RenameProps) {
  const { rename: verb, newName } = words.value;

  async function give(name: string): Promise<void> {
    close();
    if (name === entry.name) return;
    if (await rename(entry, name)) wanted.value = name;
  }

  return (
    <Modal title={verb} onClose={close}>
      <NameForm label={newName} initial={before} verb={verb} wrong={() => ""} onName={give} />
    </Modal>
  );
}

interface Props {
  readonly label: string;
  readonly initial: string;
  readonly verb: string;
  readonly wrong: (name: string) => string;
  readonly onName: (name: string) => Promise<void>;
  readonly children?: preact.ComponentChildren;
}

function NameForm({ label, initial, verb, wrong, onName, children }: Props) {
  const [name, setName] = useState(initial);
  const [sent, setSent] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const isSent = sent !== null;
  const message = isSent && !isName(sent) ? words.value.noName : isSent ? wrong(sent) : "";

  function choose(): void {
    // The name, and not what it ends with, is what people change.
    const dot = initial.lastIndexOf(".");
    input.current?.setSelectionRange(0, dot > 0 ? dot : initial.length);
  }

  return (
    <form
      class="naming"
      onSubmit={(event) => {
        event.preventDefault();
        setSent(name.trim());
        if (isName(name.trim())) void onName(name.trim());
      }}
    >
      <label class="field">
        {label}
        <input
          ref={input}
          type="text"
          value={name}
          required
          // biome-ignore lint/a11y/noAutofocus: it is what the dialog was opened for.
          autoFocus
          dir="auto"
          autocomplete="off"
          aria-invalid={message !== ""}
          aria-describedby="name-wrong"
          onFocus={choose}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <p id="name-wrong" class="wrong" role="alert" hidden={!message}>
        {message}
      </p>
      <footer>
        {children}
        <button type="button" onClick={close}>
          {words.value.cancel}
        </button>
        <button type="submit" class="main">
          {verb}
        </button>
      </footer>
    </form>
  );
}
