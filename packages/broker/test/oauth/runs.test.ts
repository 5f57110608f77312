import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { saidBy } from "../support/said.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";
import { given, refused, type TokenAnswer } from "./support/answers.ts";
import { AGENT, DEV_AGENT, openOAuthHouse, type OAuthHouse } from "./support/house.ts";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
let house: OAuthHouse;
let devAgent: { readonly name: string; readonly key: Awaited<ReturnType<OAuthHouse["register"]>> };

beforeAll(async () => {
  house = await openOAuthHouse();
  await house.register(AGENT);
  devAgent = { name: DEV_AGENT, key: await house.register(DEV_AGENT) };
});
afterAll(async () => house.close());

const newRun = (): string => `run_${randomUUID()}`;
const asked = async (run: string | undefined, options = {}): Promise<Response> =>
  house.token(await house.form(run === undefined ? {} : { run }, options));
const delegated = async (of: TokenAnswer, more: Record<string, string> = {}): Promise<Response> => {
  const { user: _, ...form } = await house.form({ subject_token: of.access_token, subject_token_type: ACCESS_TOKEN, ...more });
  return house.token({ ...form, grant_type: EXCHANGE });
};

describe("a session whose agent names no run", () => {
  test("is a run of its own, called as the session", async () => {
    const [one, other] = [await given(await asked(undefined)), await given(await asked(undefined))];
    expect([one.run, other.run]).toEqual([one.session, other.session]);
    expect((await house.store.sessions.find("acme", one.session))?.run).toBe(one.run);
  });

  test("is a run that nobody else can name", async () => {
    const { run } = await given(await asked(undefined));
    expect(await refused(await asked(run), 400, "invalid_request")).toContain("`run`");
  });
});

describe("a run that an agent names", () => {
  test("holds the sessions opened under it, with those delegated from them, and their records say so", async () => {
    const run = newRun();
    const [first, second] = [await given(await asked(run)), await given(await asked(run))];
    const below = await given(await delegated(second));
    const deeper = await given(await delegated(below, { run }));
    const answers = [first, second, below, deeper];
    expect(answers.map((each) => each.run)).toEqual([run, run, run, run]);
    for (const { session } of answers) {
      expect((await house.store.sessions.find("acme", session))?.run).toBe(run);
      const [record] = await house.store.log.query("acme", { callId: session, limit: 1 });
      expect(saidBy(record)).toMatchObject({ event: "session.create", run });
    }
    const found = await house.store.log.query("acme", { run, kind: "admin", limit: 10 });
    expect(found.map(({ callId }) => callId).toSorted()).toEqual(answers.map(({ session }) => session).toSorted());
  });

  test("is its own: another agent of the tenant gets no session in it, and leaves no record there", async () => {
    const run = newRun();
    const own = await given(await asked(run));
    expect(await refused(await asked(run, devAgent), 400, "invalid_request")).toContain("another agent");
    expect((await house.store.log.query("acme", { run, limit: 10 })).map(({ callId }) => callId)).toEqual([own.session]);
    await given(await asked(run));
  });

  test("is one agent's also when several ask for it at the same moment, on two brokers", async () => {
    const second = await openStore({ databaseUrl: house.rest.databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "second" });
    const run = newRun();
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, place) => {
        const { sessions } = place % 4 < 2 ? house.store : second;
        const agent = place % 2 === 0 ? AGENT : DEV_AGENT;
        return sessions.claimRun("acme", run, agent).then((ok) => [agent, ok] as const);
      }),
    );
    await second.close();
    const winner = claims.find(([, ok]) => ok)?.[0];
    expect(winner).toBeDefined();
    expect(claims.filter(([agent, ok]) => ok !== (agent === winner))).toEqual([]);
  });

  test("is of one tenant: the same name is another run elsewhere", async () => {
    const run = newRun();
    expect(await house.store.sessions.claimRun("acme", run, AGENT)).toBe(true);
    expect(await house.store.sessions.claimRun("globex", run, "bailiwick://globex/prod/support/support-bot")).toBe(true);
    expect(await house.store.sessions.claimRun("acme", run, "bailiwick://globex/prod/support/support-bot")).toBe(false);
  });

  test.each(["run_", "run_short", `run_${"x".repeat(65)}`, "job_0123456789abcdef", "run_0123456789 abcdef", "run_0123456789abcdef\n"])(
    "is refused when it is not well-formed: %j",
    async (run) => {
      expect(await refused(await asked(run), 400, "invalid_request")).toContain("`run`");
    },
  );
});

test("a delegated session cannot be put into another run than its delegator's", async () => {
  const root = await given(await asked(newRun()));
  expect(await refused(await delegated(root, { run: newRun() }), 400, "invalid_request")).toContain("run of its delegator");
});
