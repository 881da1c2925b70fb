/** Where the script takes over the page that the server sent. */

import { render } from "preact";
import { App } from "./app.tsx";
import { Foot, Site } from "./views/site.tsx";

function takeOver(selector: string, view: preact.ComponentChild): void {
  const place = document.querySelector(selector);
  place?.replaceChildren();
  if (place) render(view, place);
}

const main = document.querySelector<HTMLElement>("main[data-folder]");
if (main) {
  takeOver("main", <App isDropBox={main.dataset.kind === "drop-box"} />);
  takeOver(".top nav", <Site />);
  takeOver(".bottom", <Foot />);
}
