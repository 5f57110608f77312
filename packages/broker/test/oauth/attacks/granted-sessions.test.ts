import { expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { refused, given } from "../support/answers.ts";
import { openOAuthHouse } from "../support/house.ts";
import { personClient } from "../support/person-client.ts";

test("a replay while the log is down: every session of the grant ends, not only the first", async () => {
  let down = false;
  const house = await openOAuthHouse(({ log }) => ({
    log: {
      append: (tenant, record) => {
        if (down) throw new Fault("log_unavailable", "the log is down");
        return log.append(tenant, record);
      },
    },
  }));
  const client = await personClient(house);
  const first = await client.signIn();
  const second = await given(await client.refresh(first.refresh_token ?? ""));
  down = true;
  await refused(await client.refresh(first.refresh_token ?? ""), 503, "temporarily_unavailable");
  for (const { session } of [first, second])
    expect(await house.store.sessions.find("acme", session)).toMatchObject({ revokedAt: expect.any(Date) });
  await house.close();
});
