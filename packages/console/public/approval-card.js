import { ask } from "./api.js";
import { el, pairs, relative, ruleList, shown } from "./dom.js";

/**
 * One held call, as its approver sees it: the sentence, what changes, the agent's own words marked as such, the rule, the
 * deadline, and the answers. Deny comes first; nothing here is ever answered by pressing Enter unseen.
 * @param {(text: string) => void} say announces what happened
 * @param {() => void} answered called once the broker took an answer
 */
export function approvalCard(approval, say, answered) {
  const card = el("article", { class: "card", "data-approval": approval.id, "aria-labelledby": `title-${approval.id}` });
  card.append(
    el("h3", { id: `title-${approval.id}` }, approval.sentence),
    changes(approval),
    untrustedReason(approval),
    pairs([
      ["held by", ruleList(approval.rules)],
      ["answered by", approval.approvers.join(" or ") || "nobody may answer"],
      ["task", approval.task],
      ["call", el("a", { href: `#/calls/${encodeURIComponent(approval.callId)}` }, approval.callId)],
      ["expires", el("span", { "data-expires": approval.expiresAt }, relative(approval.expiresAt))],
    ]),
  );
  card.append(
    approval.mayAnswer
      ? answers(approval, say, answered)
      : el("p", { class: "soft" }, `You cannot answer this: ${approval.mayNotBecause ?? ""}`),
  );
  return card;
}

function changes(approval) {
  if (approval.diff.length === 0) {
    return pairs(Object.entries(approval.args).map(([name, value]) => [name, el("code", {}, shown(value))]));
  }
  return pairs(
    approval.diff.map((change) => [
      change.path,
      el("span", {}, el("del", {}, shown(change.before)), " → ", el("ins", {}, shown(change.after))),
    ]),
  );
}

function untrustedReason(approval) {
  if (approval.statedReason === undefined) return el("p", { class: "soft" }, "The agent gave no reason.");
  return el("div", { class: "untrusted" }, el("b", {}, "The agent says (untrusted)"), el("q", {}, approval.statedReason));
}

function answers(approval, say, answered) {
  const problem = el("p", { class: "problem", role: "alert" });
  const reason = el("input", { type: "text", name: "reason", maxlength: "2000", autocomplete: "off" });
  const deny = el("button", { type: "button", class: "deny" }, "Deny");
  const approve = el("button", { type: "button", class: "approve" }, "Approve");
  const args = el("textarea", { name: "args", rows: "8", spellcheck: "false" });
  args.value = JSON.stringify(approval.args, undefined, 2);
  const asked = args.value;

  async function give(path, body, done) {
    problem.textContent = "";
    deny.disabled = approve.disabled = true;
    try {
      await ask(`/approvals/${encodeURIComponent(approval.id)}/${path}`, body);
      say(done);
      answered();
    } catch (error) {
      problem.textContent = [error.message, ...(error.next ?? [])].join(". ");
      deny.disabled = approve.disabled = false;
    }
  }
  deny.addEventListener("click", () => {
    const text = reason.value.trim();
    if (text === "") {
      problem.textContent = "Say why: the agent is told, and it is recorded.";
      reason.focus();
      return;
    }
    void give("deny", { reason: text }, "Denied.");
  });
  approve.addEventListener("click", () => {
    const edited = args.value === asked ? {} : parsed(args.value);
    if (edited === undefined) {
      problem.textContent = "The changed arguments are not a JSON object.";
      args.focus();
      return;
    }
    const text = reason.value.trim();
    void give(
      "approve",
      { ...edited, ...(text === "" ? {} : { reason: text }) },
      "args" in edited ? "Approved with other arguments." : "Approved.",
    );
  });
  return el(
    "div",
    {},
    el("details", {}, el("summary", {}, "Change the arguments before approving"), el("label", {}, "Arguments as JSON", args)),
    problem,
    el("div", { class: "answers" }, el("label", {}, "Reason (needed to deny)", reason), deny, approve),
  );
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { args: value } : undefined;
  } catch {
    return undefined;
  }
}
