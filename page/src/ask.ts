/** Requests to this server: JSON in, JSON out, and every refusal as a problem, never an exception. */

import type { Entry } from "./tree/entries.ts";

export interface Problem {
  /** The last part of its type: `name-taken`; or `offline`, where no answer came at all. */
  readonly slug: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly next: string;
  readonly existing?: Partial<Entry> & { href: string };
}

/** It says nothing of what was asked for, and may be otherwise in a moment. */
export function isPassing({ slug, status }: Problem): boolean {
  return slug === "offline" || slug === "unreadable" || status === 429 || status >= 500;
}

export interface Wish {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  readonly signal?: AbortSignal;
}

export type Answer<T> =
  | { readonly ok: true; readonly status: number; readonly value: T }
  | { readonly ok: false; readonly status: number; readonly problem: Problem };

const OFFLINE: Problem = { slug: "offline", status: 0, title: "", detail: "", next: "" };

export function ask<T>(href: string, wish: Wish = {}): Promise<Answer<T>> {
  return asked(href, wish, (text) => (text ? JSON.parse(text) : null) as T);
}

/** What a file holds; refusals are problems here, too. */
export function askText(href: string): Promise<Answer<string>> {
  return asked(href, { headers: { Accept: "*/*" } }, (text) => text);
}

async function asked<T>(
  href: string,
  wish: Wish,
  meaning: (text: string) => T,
): Promise<Answer<T>> {
  try {
    const response = await fetch(href, {
      ...wish,
      headers: { Accept: "application/json", ...wish.headers },
      credentials: "same-origin",
      redirect: "error",
    });
    // An answer may also break off in the middle.
    return await read(response, meaning);
  } catch (failed) {
    if (failed instanceof DOMException && failed.name === "AbortError") throw failed;
    return { ok: false, status: 0, problem: OFFLINE };
  }
}

async function read<T>(response: Response, meaning: (text: string) => T): Promise<Answer<T>> {
  const { status } = response;
  const text = await response.text();
  if (response.ok) {
    try {
      return { ok: true, status, value: meaning(text) };
    } catch {
      return { ok: false, status, problem: OFFLINE };
    }
  }
  return { ok: false, status, problem: problemOf(status, text) };
}

/** A proxy in between may answer with a page of its own: then the status is all there is. */
function problemOf(status: number, text: string): Problem {
  try {
    const members = JSON.parse(text) as Omit<Problem, "slug"> & { type: string };
    return { ...members, slug: members.type.split("/").at(-1) ?? "" };
  } catch {
    return { slug: "unreadable", status, title: `HTTP ${status}`, detail: "", next: "" };
  }
}
