import { expect, test } from "vitest";
import type { JsonObject } from "@bailiwick/policy";
import { isObject } from "../../src/adapters/mcp-protocol/index.ts";
import { errorOf, legacy, modern, resultOf, startEndpoint } from "./support/endpoint.ts";
import { askTwo, greet, text } from "./support/operations.ts";

const capabilities = { elicitation: {}, roots: {} };
const call = { name: "greet", arguments: {} };
const ada = { action: "accept", content: { name: "Ada" } };

test("a modern client is asked by input_required under the tool's key and the call resumes on the retry", async () => {
  const { url, surface } = await startEndpoint([greet]);
  const asked = resultOf(await modern(url, "tools/call", call, { capabilities }));
  expect(asked).toMatchObject({
    resultType: "input_required",
    inputRequests: { user_name: { method: "elicitation/create", params: { message: "your name?" } } },
  });
  expect(asked).not.toHaveProperty("cacheScope");
  const result = resultOf(
    await modern(
      url,
      "tools/call",
      { ...call, inputResponses: { user_name: ada, other: {} }, requestState: asked["requestState"] ?? null },
      { capabilities },
    ),
  );
  expect(result).toMatchObject({ ...text(`hello ${JSON.stringify(ada)}`), resultType: "complete" });
  expect(surface.seen).toHaveLength(1);
});

test("questions asked together travel together, and a partial answer leaves the rest open", async () => {
  const { url } = await startEndpoint([askTwo]);
  const base = { name: "ask_two", arguments: {} };
  const asked = resultOf(await modern(url, "tools/call", base, { capabilities }));
  const requests = asked["inputRequests"];
  expect(Object.keys(isObject(requests) ? requests : {})).toEqual(["elicitation_1", "roots_2"]);
  const partly = resultOf(
    await modern(
      url,
      "tools/call",
      { ...base, requestState: asked["requestState"] ?? null, inputResponses: { elicitation_1: ada } },
      { capabilities },
    ),
  );
  expect(partly).toMatchObject({ resultType: "input_required", inputRequests: { roots_2: { method: "roots/list" } } });
  const result = resultOf(
    await modern(
      url,
      "tools/call",
      { ...base, requestState: partly["requestState"] ?? null, inputResponses: { roots_2: { roots: [] } } },
      { capabilities },
    ),
  );
  expect(result).toMatchObject(text(`${JSON.stringify(ada)} {"roots":[]}`));
});

test("an answer sent along with the first request is used when its key is asked", async () => {
  const { url } = await startEndpoint([greet]);
  expect(resultOf(await modern(url, "tools/call", { ...call, inputResponses: { user_name: ada } }, { capabilities }))).toMatchObject(
    text(`hello ${JSON.stringify(ada)}`),
  );
  const wrongKey = resultOf(await modern(url, "tools/call", { ...call, inputResponses: { wrong: ada } }, { capabilities }));
  expect(wrongKey["resultType"]).toBe("input_required");
});

test.each([
  ["null", null],
  ["a list", []],
  ["an answer that is a number", { user_name: 1 }],
])("inputResponses that are %s are refused", async (_name, inputResponses) => {
  const { url, surface } = await startEndpoint([greet]);
  expect(errorOf(await modern(url, "tools/call", { ...call, inputResponses }, { capabilities }))["code"]).toBe(-32602);
  expect(surface.seen).toEqual([]);
});

async function stateOf(url: string): Promise<string> {
  return String(resultOf(await modern(url, "tools/call", call, { capabilities }))["requestState"]);
}

function retry(url: string, requestState: string, more: JsonObject = {}, token = "t1"): ReturnType<typeof modern> {
  return modern(url, "tools/call", { ...call, ...more, requestState, inputResponses: { user_name: ada } }, { capabilities, token });
}

test("a changed state is refused", async () => {
  const { url } = await startEndpoint([greet]);
  const state = await stateOf(url);
  expect(errorOf(await retry(url, `${state}A`))["code"]).toBe(-32602);
  expect(errorOf(await retry(url, `${state}-TAMPERED`))["code"]).toBe(-32602);
  const middle = state.slice(0, 30) + (state[30] === "A" ? "B" : "A") + state.slice(31);
  expect(errorOf(await retry(url, middle))["code"]).toBe(-32602);
  expect(resultOf(await retry(url, state))).toMatchObject({ resultType: "complete" });
});

test("a state works once", async () => {
  const { url } = await startEndpoint([greet]);
  const state = await stateOf(url);
  expect(resultOf(await retry(url, state))["resultType"]).toBe("complete");
  expect(errorOf(await retry(url, state))["code"]).toBe(-32602);
});

test("a state works for its principal, method and arguments only", async () => {
  const { url, surface } = await startEndpoint([greet]);
  surface.allow("t2", { user: "mallory" });
  const state = await stateOf(url);
  expect(errorOf(await retry(url, state, {}, "t2"))["code"]).toBe(-32602);
  expect(errorOf(await retry(url, state, { arguments: { more: 1 } }))["code"]).toBe(-32602);
  expect(errorOf(await modern(url, "prompts/get", { name: "greet", requestState: state }, { capabilities }))["code"]).toBe(-32602);
  expect(resultOf(await retry(url, state))["resultType"]).toBe("complete");
});

test("a state expires, and with it the waiting call", async () => {
  let now = Date.now();
  const { url } = await startEndpoint([greet], { now: () => new Date(now), durations: { suspendMs: 60_000 } });
  const state = await stateOf(url);
  now += 60_001;
  expect(errorOf(await retry(url, state))["code"]).toBe(-32602);
});

test("a question nobody answers ends as the tool's failure, not as a leak", async () => {
  const { url } = await startEndpoint([greet], { durations: { suspendMs: 20 } });
  const state = await stateOf(url);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(errorOf(await retry(url, state))["code"]).toBe(-32602);
});

test("a client that declared no elicitation is never asked", async () => {
  const { url } = await startEndpoint([greet]);
  const got = resultOf(await modern(url, "tools/call", call, { capabilities: { sampling: {} } }));
  expect(got).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("no `elicitation` capability") }] });
});

test("a url question needs the url mode, and a url-only client gets no form", async () => {
  const byUrl = {
    ...greet,
    run: async (...[, io]: Parameters<typeof greet.run>) =>
      text(JSON.stringify(await io.ask({ method: "elicitation/create", params: { mode: "url", url: "https://x" } }))),
  };
  const { url } = await startEndpoint([byUrl]);
  expect(resultOf(await modern(url, "tools/call", call, { capabilities: { elicitation: { form: {} } } }))).toMatchObject({ isError: true });
  expect(resultOf(await modern(url, "tools/call", call, { capabilities: { elicitation: { url: {} } } }))["resultType"]).toBe(
    "input_required",
  );
  const form = await startEndpoint([greet]);
  expect(resultOf(await modern(form.url, "tools/call", call, { capabilities: { elicitation: { url: {} } } }))).toMatchObject({
    isError: true,
  });
});

test("a legacy client is asked on the POST's stream and answers in its own POST", async () => {
  const { url } = await startEndpoint([greet]);
  const client = await legacy(url, capabilities);
  const answers: Promise<unknown>[] = [];
  const got = await client.request("tools/call", call, {
    onMessage: (message) => {
      if (message["method"] === "elicitation/create") answers.push(client.send({ jsonrpc: "2.0", id: message["id"] ?? null, result: ada }));
    },
  });
  expect(await Promise.all(answers)).toMatchObject([{ status: 202 }]);
  expect(resultOf(got)).toEqual(text(`hello ${JSON.stringify(ada)}`));
});

test("a legacy client's error answer reaches the tool as one", async () => {
  const { url } = await startEndpoint([greet]);
  const client = await legacy(url, capabilities);
  const got = await client.request("tools/call", call, {
    onMessage: (message) => {
      if (message["method"] === "elicitation/create")
        void client.send({ jsonrpc: "2.0", id: message["id"] ?? null, error: { code: -1, message: "user rejected" } });
    },
  });
  expect(resultOf(got)).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("user rejected") }] });
});

test("another session cannot answer a question", async () => {
  const { url } = await startEndpoint([greet], { durations: { suspendMs: 150 } });
  const client = await legacy(url, capabilities);
  const other = await legacy(url, capabilities);
  const got = await client.request("tools/call", call, {
    onMessage: (message) => {
      if (message["method"] === "elicitation/create") void other.send({ jsonrpc: "2.0", id: message["id"] ?? null, result: ada });
    },
  });
  expect(resultOf(got)).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("did not answer in time") }] });
});
