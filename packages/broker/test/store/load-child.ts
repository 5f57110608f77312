import { openStore } from "../../src/adapters/store/index.ts";
import { intentOf, outcomeOf, refusalOf, sessionOf } from "./samples.ts";

/** A broker under load until it is killed: prints each call once its record is confirmed, `intent|outcome <callId> <index>`. */
const [dataFolder = "", round = ""] = process.argv.slice(2);
const CALLERS = 16;

const brokerId = `broker-${round}`;
const store = await openStore({ dataFolder }, { brokerId });
await store.sessions.create(sessionOf({ tenant: "acme", id: `s${round}` }));
console.log("ready");
await begin(`call_${round}_left`, "left open");
await Promise.all(Array.from({ length: CALLERS }, (_, caller) => callForever(caller)));

/** One call of each round surely has its intent and no end when the kill strikes. */
async function begin(callId: string, call: number | string): Promise<void> {
  const entry = { ...intentOf(callId, brokerId), facts: { call } };
  const intended = await store.log.intend("acme", entry, { session: `s${round}`, reservations: [], instead: refusalOf });
  if (!intended.ok) throw new Error(intended.why);
  console.log(`intent ${callId} ${intended.index}`);
}

async function callForever(caller: number): Promise<never> {
  for (let call = 0; ; call++) {
    const callId = `call_${round}_${caller}_${call}`;
    await begin(callId, call);
    const ended = await store.log.append("acme", outcomeOf(callId, brokerId));
    console.log(`outcome ${callId} ${ended.index}`);
  }
}
