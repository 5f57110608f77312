import { describe, expect, it } from "vitest";
import { HELPDESK } from "./support/helpdesk.ts";
import { loadAll, places } from "./support/changed-folder.ts";

const RETURNS = "    returns: { type: Ticket, at: result.tickets }\n";
const LINE = (HELPDESK["tools/tickets.yaml"] ?? "").slice(0, (HELPDESK["tools/tickets.yaml"] ?? "").indexOf(RETURNS)).split("\n").length;

/** Findings of the folder whose `list_tickets` says this of its result. */
function returning(more: string, args = '{ "status?": string, "cursor?": string, "page?": integer }') {
  const tools = (HELPDESK["tools/tickets.yaml"] ?? "")
    .replace('    args: { "status?": string }\n', `    args: ${args}\n`)
    .replace(RETURNS, `    returns: { type: Ticket, at: result.tickets, ${more} }\n`);
  return loadAll({ "tools/tickets.yaml": tools });
}
const wrong = [`error invalid-path tools/tickets.yaml:${String(LINE)}`];

describe("what an action says of its result", () => {
  it("may name counts, a cursor and what is kept, beside the records", () => {
    expect(returning("counts: [result.total], cursor: { at: result.next, arg: args.cursor }, keep: [result.page.size]")).toEqual([]);
  });

  it.each([
    ["the records themselves", "keep: [result.tickets]"],
    ["a part of the records", "keep: [result.tickets.id]"],
    ["what holds the records", "keep: [result]"],
    ["an argument", "keep: [args.status]"],
    ["a count that lies in what is kept", "counts: [result.page.total], keep: [result.page]"],
    ["a cursor that is kept as well", "cursor: { at: result.next, arg: args.cursor }, keep: [result.next]"],
    ["a cursor argument that is a number", "cursor: { at: result.next, arg: args.page }"],
    ["a cursor argument that the broker sets", "cursor: { at: result.next, arg: args.tenant }"],
    ["a cursor argument that is not declared", "cursor: { at: result.next, arg: args.after }"],
  ])("may not name %s", (_, more) => {
    expect(places(returning(more))).toEqual(wrong);
  });

  it("is checked for resources and prompts as well", () => {
    const tools = (HELPDESK["tools/tickets.yaml"] ?? "")
      .replace(
        '"kb://articles/*": { is: knowledge:read, effect: read }',
        '"kb://articles/*": { is: knowledge:read, returns: { type: Article, at: result } }',
      )
      .replace(
        "effect: read, args: { ticket: string } }",
        "effect: read, args: { ticket: string }, returns: { type: Ticket, at: args.ticket } }",
      );
    expect(places(loadAll({ "tools/tickets.yaml": tools })).map((place) => place.replace(/:\d+$/, ""))).toEqual([
      "error unknown-type tools/tickets.yaml",
      "error invalid-path tools/tickets.yaml",
    ]);
  });
});
