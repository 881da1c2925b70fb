/** A large file in pieces, by tus 1.0: it goes on where it stopped, as far as the server has it. */

import { Upload } from "tus-js-client";
import type { Outcome, Told } from "./answers.ts";
import { isGood, outcomeOf } from "./answers.ts";
import type { Item, Plan } from "./item.ts";
import { conditionsOf, lookAt } from "./requests.ts";

const GONE = new Set([404, 410]);

export interface Watcher {
  /** The address where the upload goes on. */
  begun(upload: string): void;
  sent(bytes: number): void;
}

export async function inPieces(
  item: Item,
  plan: Plan,
  body: Blob,
  signal: AbortSignal,
  watcher: Watcher,
): Promise<Outcome> {
  const told = await run(item, plan, body, signal, watcher);
  if (told.status === 410 && item.upload) {
    // All had come, and met a conflict; only the answer was lost.
    const refusal = await lookAt(item.upload, signal);
    if (refusal) return { is: "refused", refusal };
  }
  if (GONE.has(told.status) && item.upload) return { is: "broken", answered: true, after: 0 };
  return outcomeOf(told, plan);
}

/** The last answer of the upload; its status is 0 where none came. */
function run(
  item: Item,
  plan: Plan,
  body: Blob,
  signal: AbortSignal,
  watcher: Watcher,
): Promise<Told> {
  return new Promise((resolve) => {
    const upload: Upload = new Upload(body, {
      ...(item.upload ? { uploadUrl: item.upload } : { endpoint: "/uploads/" }),
      headers: { ...conditionsOf(item, plan), Accept: "application/json" },
      metadata: { path: plan.path, lastModified: String(Math.trunc(item.modified)) },
      storeFingerprintForResuming: false,
      // What is tried again, and when, is decided for the whole list and not here.
      retryDelays: null,
      onUploadUrlAvailable: () => watcher.begun(new URL(upload.url ?? "", location.href).pathname),
      onProgress: (bytes) => watcher.sent(bytes),
      onError: (error) => {
        const response = "originalResponse" in error ? error.originalResponse : null;
        // What sounds good and says nothing of the upload is not from the server.
        resolve(response && !isGood(response.getStatus()) ? read(response) : NO_ANSWER);
      },
      onSuccess: ({ lastResponse }) => resolve({ ...read(lastResponse), status: 204 }),
    });
    const stop = () => {
      void upload.abort();
      resolve(NO_ANSWER);
    };
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    upload.start();
  });
}

const NO_ANSWER: Told = { status: 0, text: "", header: () => null };

interface Answered {
  getStatus(): number;
  getBody(): string;
  getHeader(name: string): string | undefined;
}

function read(response: Answered): Told {
  return {
    status: response.getStatus(),
    text: response.getStatus() < 300 ? "" : response.getBody(),
    header: (name) => response.getHeader(name) ?? null,
  };
}
