/** Where the script takes over the page that the server sent. */

import { render } from "preact";
import { App } from "./app.tsx";

const main = document.querySelector<HTMLElement>("main[data-folder]");
if (main) {
  main.replaceChildren();
  render(<App />, main);
}
