import { afterAll, beforeAll, expect, test } from "vitest";
import { given, refused } from "../support/answers.ts";
import { openOAuthHouse, type OAuthHouse } from "../support/house.ts";
import { personClient } from "../support/person-client.ts";

let house: OAuthHouse;
beforeAll(async () => {
  house = await openOAuthHouse();
});
afterAll(() => house.close());

function nested(depth: number): string {
  return `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
}

test.each([40, 1_000, 7_000])("data nested %i deep is refused, and does not exhaust the stack", async (depth) => {
  await refused(await house.token(await house.form({ data: nested(depth) })), 400, "invalid_request");
  const authorization_details = `[{"type":"bailiwick_task","data":${nested(depth)}}]`;
  await refused(await house.token(await house.form({ authorization_details })), 400, "invalid_request");
  expect(house.faults).toEqual([]);
});

test.each([40, 500, 2_000])(
  "details nested %i deep make no endless consent page: the client is told, and nobody is asked",
  async (depth) => {
    const client = await personClient(house);
    const address = client.addressOf({ authorization_details: `[{"type":"bailiwick_task","data":${nested(depth)}}]` });
    const { headers } = await fetch(address, { redirect: "manual" });
    expect(new URL(headers.get("location") ?? "about:blank").searchParams.get("error")).toBe("invalid_authorization_details");
  },
);

test("nested details at the token endpoint do not exhaust the stack either", async () => {
  const client = await personClient(house);
  const code = (await client.codeFor()).get("code") ?? "";
  const authorization_details = `[{"type":"bailiwick_task","data":${nested(8_000)}}]`;
  expect((await client.redeem(code, { authorization_details })).status).toBe(400);
  expect(house.faults).toEqual([]);
});

test("data of some levels is what a session may be about", async () => {
  await given(await house.token(await house.form({ data: nested(10) })));
});
