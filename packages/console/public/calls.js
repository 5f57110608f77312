import { el, pairs, relative, ruleList, shown, verdict } from "./dom.js";

/** Calls, newest first. */
export function callList(calls) {
  const list = el("ul", { class: "calls" });
  for (const call of calls) {
    const who = `${call.agent?.split("/").at(-1) ?? "unknown agent"} for ${call.user ?? "unknown user"}`;
    list.append(
      el(
        "li",
        {},
        verdict(call.verdict),
        el(
          "span",
          {},
          el("a", { href: `#/calls/${encodeURIComponent(call.callId)}` }, call.action ?? call.tool ?? call.callId),
          ` ${who}, ${call.tenant}`,
        ),
        el("span", { class: "soft" }, `${call.code ?? call.status}, ${relative(call.at)}`),
      ),
    );
  }
  return list;
}

/** One call: its steps in the order of their records, each with what it says, and the rules that spoke. */
export function callPage(call, explanation) {
  const page = el("div");
  page.append(
    el("h2", {}, call.action ?? call.callId),
    el("p", {}, verdict(call.verdict), ` ${call.code ?? call.status}`),
    explanation === undefined ? "" : el("p", {}, explanation.summary),
    pairs([
      ["call", el("code", {}, call.callId)],
      ["agent", call.agent],
      ["user", call.user],
      ["task", call.task],
      ["where", `${call.tenant}${call.environment === undefined ? "" : `/${call.environment}`}`],
      ["rules", call.rules.length === 0 ? "no rule spoke" : ruleList(call.rules)],
      ["would change", wouldChange(explanation)],
      ["time taken", call.durationMs === undefined ? undefined : `${call.durationMs} ms`],
    ]),
    el("h2", {}, "Steps"),
    steps(call.records),
  );
  return page;
}

function wouldChange(explanation) {
  if (explanation === undefined || explanation.wouldChange.length === 0) return undefined;
  return el("span", {}, ...explanation.wouldChange.flatMap((line) => [line, el("br")]));
}

const TITLES = {
  lookup: "looked up a record",
  intent: "may run: recorded before the effect",
  hold: "held for a person",
  refusal: "refused: nothing was sent",
  outcome: "came back",
  admin: "a person, or the broker",
};
const SAID_ABOVE = new Set(["at", "agent", "user", "session", "task", "tenant", "environment", "workflow", "rules", "broker", "peer"]);

function steps(records) {
  const list = el("ol", { class: "steps" });
  for (const record of records) {
    const details = Object.entries(record.body).filter(([name]) => !SAID_ABOVE.has(name));
    list.append(
      el(
        "li",
        {},
        el("b", {}, record.body.event ?? TITLES[record.kind] ?? record.kind),
        " ",
        el("time", { class: "soft", datetime: record.at }, record.at),
        pairs([...details.map(([name, value]) => [name, shown(value)]), ["record", `${record.seq}, hash ${record.hash}`]]),
      ),
    );
  }
  return list;
}
