import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Elevation } from "../../src/domain/elevation.ts";
import type { Session } from "../../src/domain/session.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { elevationOf, yesOf } from "./elevation-sample.ts";
import { sessionOf } from "./samples.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened.close());

let agents = 0;
function freshAgent(): string {
  agents += 1;
  return `bailiwick://acme/prod/helpdesk/for-users-${agents}`;
}

async function give(elevation: Elevation): Promise<void> {
  const from = new Date();
  const outcome = await opened.store.elevations.answer("acme", elevation.id, {
    answer: yesOf({ at: from }),
    seen: 0,
    state: "active",
    given: { scope: [], from, until: new Date(from.getTime() + elevation.forMs) },
  });
  expect(outcome.ok).toBe(true);
}

async function rightsOf(overrides: Partial<Session>): Promise<readonly string[]> {
  const session = sessionOf({ tenant: "acme", id: `ses_${randomUUID()}`, ...overrides });
  await opened.store.sessions.create(session);
  return ((await opened.store.sessions.find("acme", session.id))?.elevations ?? []).map(({ id }) => id);
}

const askedFor = (agent: string, user: string): Elevation["askedBy"] => ({ agent, user, session: "s1" });

test("a right that an agent asked for is of the user it asked for: another user's session for a task of the same name does not have it", async () => {
  const agent = freshAgent();
  const elevation = elevationOf({ agent, task: "weekly-report", askedBy: askedFor(agent, "ada") });
  await opened.store.elevations.ask(elevation);
  await give(elevation);
  expect(await rightsOf({ agent, task: "weekly-report", user: "ada" })).toEqual([elevation.id]);
  expect(await rightsOf({ agent, task: "weekly-report", user: "mallory" })).toEqual([]);
  expect(await rightsOf({ agent, task: "another", user: "ada" })).toEqual([]);
});

test("nor does it answer another user's question", async () => {
  const agent = freshAgent();
  const first = elevationOf({ agent, task: "weekly-report", askedBy: askedFor(agent, "ada") });
  await opened.store.elevations.ask(first);
  await give(first);
  const second = elevationOf({ agent, task: "weekly-report", askedBy: askedFor(agent, "mallory") });
  expect(await opened.store.elevations.ask(second)).toMatchObject({ repeated: false, elevation: { id: second.id } });
});

test("a right that a person asked for is every user's, within its task when it names one, and answers an agent's question for it", async () => {
  const [agent, everywhere] = [freshAgent(), freshAgent()];
  const forTask = elevationOf({ agent, task: "weekly-report", askedBy: { person: "lena" } });
  const forAll = elevationOf({ agent: everywhere, askedBy: { person: "lena" } });
  for (const each of [forTask, forAll]) {
    await opened.store.elevations.ask(each);
    await give(each);
  }
  expect(await rightsOf({ agent, task: "weekly-report", user: "ada" })).toEqual([forTask.id]);
  expect(await rightsOf({ agent, task: "another", user: "ada" })).toEqual([]);
  expect(await rightsOf({ agent: everywhere, task: "any", user: "mallory" })).toEqual([forAll.id]);
  const asked = elevationOf({ agent, task: "weekly-report", askedBy: askedFor(agent, "ada") });
  expect(await opened.store.elevations.ask(asked)).toMatchObject({ repeated: true, elevation: { id: forTask.id } });
});
