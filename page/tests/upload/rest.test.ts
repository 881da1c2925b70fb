import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarm, backOff, Rest } from "../../src/upload/rest.ts";

test("each wait is twice the last, up to a quarter of a minute", () => {
  assert.deepEqual([1, 2, 3].map(backOff), [500, 1000, 2000]);
  assert.equal(backOff(50), 15_000);
});

test("several requests that break at once are one break", () => {
  const rest = new Rest();
  rest.broke(1000);
  rest.broke(1001);
  rest.broke(1400);
  assert.equal(rest.isOffline, true);
  assert.equal(rest.until, 1500);
  rest.broke(1500);
  assert.equal(rest.until, 2500);
  rest.heard();
  assert.equal(rest.isOffline, false);
  rest.broke(9000);
  assert.equal(rest.until, 9500);
});

test("the alarm rings once, at the earliest moment", async () => {
  let rung = 0;
  const alarm = new Alarm(() => {
    rung += 1;
  });
  const now = Date.now();
  alarm.at(now + 60_000);
  alarm.at(now + 60);
  alarm.at(now + 30_000);
  await new Promise<void>((resolve) => {
    const looking = setInterval(() => {
      if (!rung) return;
      clearInterval(looking);
      resolve();
    }, 5);
  });
  assert.ok(Date.now() - now < 20_000);
  assert.equal(rung, 1);
});
