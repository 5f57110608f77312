import { repeatMemory } from "../../src/adapters/cache/repeat-memory.ts";
import type { Policy } from "@bailiwick/policy";
import { labelledMemory } from "../../src/adapters/cache/labelled-memory.ts";
import { heldSecrets } from "../../src/adapters/credential-source/held-secrets.ts";
import { runMemory } from "../../src/adapters/cache/run-memory.ts";
import { randomId } from "../../src/adapters/system/random.ts";
import type { Store } from "../../src/adapters/store/index.ts";
import type { LiveToolConnections } from "../../src/adapters/tools/index.ts";
import type { CallPorts } from "../../src/call/ports.ts";
import { Refusal } from "../../src/call/refusal.ts";
import { runningCalls } from "../../src/call/running-calls.ts";

/** The call path over the given store, policy and tools, for whatever walks it without an agent. */
export function callPortsOver(store: Store, policy: () => Policy, now: () => Date, tools: LiveToolConnections): CallPorts {
  const held = heldSecrets(store.credentials, () => now().getTime(), store);
  return {
    brokerId: "brk_test",
    maskSalt: "a secret of the tests",
    now,
    newId: randomId,
    policy,
    senders: { verify: () => Promise.reject(new Refusal("unauthenticated", "no agent calls here")) },
    running: runningCalls(store),
    memory: runMemory(),
    tokens: store.tokens,
    labelled: labelledMemory(),
    repeats: repeatMemory(),
    readSql: () => {
      throw new Refusal("statement_refused", "no call of these tests is a query");
    },
    sessions: store.sessions,
    approvals: store.approvals,
    elevations: store.elevations,
    log: store.log,
    credentials: { ...store.credentials, held: (tenant) => held.of(tenant) },
    tools,
  };
}
