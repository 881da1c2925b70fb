/** One request whose body is a file: by XMLHttpRequest, for fetch does not tell how far it has come. */

export interface Received {
  /** 0 where no answer came. */
  readonly status: number;
  readonly text: string;
  header(name: string): string | null;
}

export interface Sending {
  readonly method: string;
  readonly href: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob | null;
  readonly signal: AbortSignal;
  readonly sent?: (bytes: number) => void;
}

const NO_ANSWER: Received = { status: 0, text: "", header: () => null };

export function transfer({
  method,
  href,
  headers,
  body,
  signal,
  sent,
}: Sending): Promise<Received> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(NO_ANSWER);
    const request = new XMLHttpRequest();
    request.open(method, href);
    for (const [name, value] of Object.entries({ Accept: "application/json", ...headers })) {
      request.setRequestHeader(name, value);
    }
    if (sent) request.upload.onprogress = ({ loaded }) => sent(loaded);
    request.onload = () => {
      // Nothing here leads elsewhere: where it was led, somebody else has answered.
      if (request.responseURL !== new URL(href, location.href).href) return resolve(NO_ANSWER);
      resolve({
        status: request.status,
        text: request.responseText,
        header: (name) => request.getResponseHeader(name),
      });
    };
    request.onerror = () => resolve(NO_ANSWER);
    request.onabort = () => resolve(NO_ANSWER);
    const stop = () => request.abort();
    signal.addEventListener("abort", stop);
    request.onloadend = () => signal.removeEventListener("abort", stop);
    request.send(body);
  });
}
