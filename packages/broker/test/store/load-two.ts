import { openStore } from "../../src/adapters/store/index.ts";
import { intentOf, outcomeOf, refusalOf } from "./samples.ts";

/** One of several brokers on a database, under load until it is told to stop or killed: prints `<index> <callId>` of each confirmed record. */
const [databaseUrl = "", rootKey = "", brokerId = "", session = ""] = process.argv.slice(2);
const CALLERS = 8;

const store = await openStore({ databaseUrl, rootKey }, { brokerId });
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());
console.log("ready");
await Promise.all(Array.from({ length: CALLERS }, (_, caller) => callUntilStopped(caller)));
await store.close();

async function callUntilStopped(caller: number): Promise<void> {
  for (let call = 0; !stopping.signal.aborted; call++) {
    const callId = `call_${brokerId}_${caller}_${call}`;
    const entry = { ...intentOf(callId, brokerId), people: { user: `user-${caller}` }, facts: { call } };
    const body = { ...entry.body, run: `run-${brokerId}-${call % 50}` };
    const begun = await store.log.intend("acme", { ...entry, body }, { session, reservations: [], instead: refusalOf });
    if (!begun.ok) throw new Error(begun.why);
    console.log(`${begun.index} ${callId}`);
    const ended = await store.log.append("acme", outcomeOf(callId, brokerId));
    console.log(`${ended.index} ${callId}`);
  }
}
