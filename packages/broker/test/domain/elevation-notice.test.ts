import { expect, test } from "vitest";
import { noticeOfElevation, peopleAsked } from "../../src/domain/notice.ts";
import { askingPolicy } from "../people-support/asking-policy.ts";
import { SUPPORT_BOT } from "../people-support/rest.ts";
import { elevationOf } from "../store/elevation-sample.ts";

test("nobody is told of a question about a right that they could not answer: owners of agents behind the one that asks are not among those asked", () => {
  const policy = askingPolicy();
  const owner = policy.agents.find(({ name }) => name === SUPPORT_BOT)?.owner ?? "";
  const roles = policy.people.find(({ id }) => id === owner)?.roles ?? [];
  const asked = (actors: readonly string[]): readonly string[] => {
    const elevation = elevationOf({ agent: "bailiwick://acme/prod/support/another", actors, approvers: roles });
    const notice = noticeOfElevation(elevation, policy, new Date());
    return peopleAsked(notice, { policy, duties: [], now: new Date() }).map(({ id }) => id);
  };
  expect(asked([])).toContain(owner);
  expect(asked([SUPPORT_BOT])).not.toContain(owner);
});
