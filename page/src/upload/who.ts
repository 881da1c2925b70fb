/** Whose the uploads are: what one person has begun is not gone on with by the next who signs in. */

import { ask } from "../ask.ts";
import { backOff } from "./rest.ts";

/** Empty where nobody has signed in, null where no answer came. */
export async function whoAsksNow(): Promise<string | null> {
  const answer = await ask<{ readonly user?: string | null } | null>("/session");
  return answer.ok && answer.value?.user !== undefined ? (answer.value.user ?? "") : null;
}

/** Until it is told: what was kept as nobody's would be anybody's. */
export async function whoAsks(): Promise<string> {
  for (let times = 1; ; times += 1) {
    const who = await whoAsksNow();
    if (who !== null) return who;
    await new Promise((resolve) => setTimeout(resolve, backOff(times)));
  }
}
