import { afterAll, beforeAll, expect, test } from "vitest";
import { elevationOf } from "../store/elevation-sample.ts";
import { closeBrokers, codeOf, db, give, house, line, openBrokers } from "./elevation-house.ts";

beforeAll(openBrokers);
afterAll(closeBrokers);

test("the ticket of a right that a person asked for is good while the session has that right, and no other session's", async () => {
  const [here, elsewhere] = [await house(), await house()];
  const elevation = elevationOf({
    agent: here.session.agent,
    role: "cleaning",
    scope: ["tickets:delete"],
    task: here.session.task,
    askedBy: { person: "lena" },
  });
  await db.store.elevations.ask(elevation);
  expect(codeOf(await here.surface.resume(elevation.id, line(here.session)))).toBe("approval_unknown");
  await give(elevation);
  const answer = await here.surface.requestElevation({ scope: "tickets:delete", reason: "the quarter ended" }, line(here.session));
  expect(answer).toMatchObject({ kind: "result", callId: elevation.id });
  expect(codeOf(await here.surface.resume(elevation.id, line(here.session)))).toBe("result");
  expect(codeOf(await elsewhere.surface.resume(elevation.id, line(elsewhere.session)))).toBe("approval_unknown");
});
