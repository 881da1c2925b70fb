/** The head and the foot of the page: where else to go, who is signed in, the language. */

import { signal } from "@preact/signals";
import { pageOf } from "../address.ts";
import { ask } from "../ask.ts";
import { LANGUAGES, type Language, language, speak, words } from "../strings/words.ts";
import { folder } from "../tree/folder.ts";
import { FolderLink } from "./links.tsx";

interface Session {
  readonly user: string | null;
  readonly users: boolean;
}

const session = signal<Session>({ user: null, users: false });

export async function lookWhoAsks(): Promise<void> {
  const answer = await ask<Session>("/session");
  if (answer.ok) session.value = answer.value;
}

export function Site() {
  const { files, conflicts } = words.value;
  return (
    <>
      <FolderLink href="/files/">{files}</FolderLink>
      <a href="/uploads/">{conflicts}</a>
      <a href="/docs">API</a>
      <Account />
    </>
  );
}

function Account() {
  const { user, users } = session.value;
  const { signIn, signedInAs } = words.value;
  if (user) {
    return (
      <a href="/session" title={signedInAs(user)}>
        <bdi>{user}</bdi>
      </a>
    );
  }
  const here = encodeURIComponent(pageOf(folder.value));
  return users ? <a href={`/session?next=${here}`}>{signIn}</a> : null;
}

export function Foot() {
  return (
    <div class="foot">
      <p>{words.value.motto}</p>
      <label>
        {words.value.language}{" "}
        <select
          value={language.value}
          onChange={(event) => speak(event.currentTarget.value as Language)}
        >
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
