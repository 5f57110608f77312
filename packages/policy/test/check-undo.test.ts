import { describe, expect, it } from "vitest";
import { HELPDESK } from "./support/helpdesk.ts";
import { loadAll, places } from "./support/changed-folder.ts";

const FILE = "tools/tickets.yaml";
const TEXT = HELPDESK[FILE] ?? "";
const UPDATE = "    resource: { type: Ticket, id: args.id, before: get_ticket }\n    returns: { type: Ticket, at: result }\n";

/** What is found of the tickets' file with a line added to an action, or another change. */
function found(action: string, line: string, change: (text: string) => string = (text) => text): readonly string[] {
  const changed = change(TEXT).replace(`  ${action}:\n`, `  ${action}:\n    ${line}\n`);
  expect(changed).toContain(line);
  return loadAll({ [FILE]: changed })
    .filter(({ code }) => code === "undo")
    .map(({ what }) => what);
}

const created = (text: string): string =>
  text.replace(
    "  bulk_close:\n",
    `  create_ticket: { is: "tickets:create", effect: write, args: { "id?": string, region: string, status: string, tier: integer }, force: {}, returns: { type: Ticket, at: result }, undo: delete_ticket }
  set_status: { is: "tickets:set", effect: write, args: { id: string, status: string } }
  purge: { is: "tickets:purge", effect: write, args: { id: string }, resource: { type: Ticket, id: args.id } }
  bulk_close:
`,
  );

describe("an action's undo", () => {
  it("may be the action itself, another one with its arguments, a delete of what is made, and a creation of what is deleted", () => {
    expect(found("update_ticket", "undo: update_ticket")).toEqual([]);
    expect(
      found(
        "update_ticket",
        "undo: { do: update_ticket, args: { id: args.id, status: before.status, assignee: after.customer.ssn, priority: =3 } }",
      ),
    ).toEqual([]);
    expect(found("delete_ticket", "undo: create_ticket", created)).toEqual([]);
  });

  it("is found at its line", () => {
    const text = TEXT.replace("  bulk_close:\n", "  bulk_close:\n    undo: reopen\n");
    const line = text.slice(0, text.indexOf("undo: reopen")).split("\n").length;
    expect(places(loadAll({ [FILE]: text }))).toContain(`error undo ${FILE}:${line}`);
  });

  it.each([
    ["that is no action", "update_ticket", "undo: updat_ticket", "`updat_ticket` is not an action of this tool that changes anything"],
    ["that only reads", "update_ticket", "undo: get_ticket", "`get_ticket` is not an action of this tool that changes anything"],
    ["of a read", "get_ticket", "undo: update_ticket", "`get_ticket` changes nothing"],
    [
      "that acts on a deleted record",
      "delete_ticket",
      "undo: update_ticket",
      "`update_ticket` acts on a record, and this action has deleted it",
    ],
    ["that does not look at its record", "update_ticket", "undo: { do: purge, args: { id: args.id } }", "`purge` does not load its record"],
    [
      "that names no record although the call leaves one",
      "update_ticket",
      "undo: { do: set_status, args: { id: args.id, status: before.status } }",
      "`set_status` names no record, and this action leaves a `Ticket`",
    ],
    [
      "whose argument is not there",
      "update_ticket",
      "undo: { do: update_ticket, args: { id: args.id, colour: =red } }",
      "`update_ticket` takes no argument `colour`",
    ],
    [
      "without what it needs",
      "update_ticket",
      "undo: { do: update_ticket, args: { status: before.status } }",
      "`update_ticket` needs `id`",
    ],
    [
      "from no argument",
      "update_ticket",
      "undo: { do: update_ticket, args: { id: args.ticket } }",
      "`args.ticket` is not an argument of this action",
    ],
    [
      "from no field",
      "update_ticket",
      "undo: { do: update_ticket, args: { id: args.id, status: before.state } }",
      "`Ticket` has no field `state`",
    ],
    [
      "of many records without arguments",
      "bulk_close",
      "undo: update_ticket",
      "`update_ticket` acts on a `Ticket` and this action on no record",
    ],
  ])("%s is an error", (_, action, line, what) => {
    expect(found(action, line, created)).toContain(what);
  });

  it("names the record that it takes away or changes, also one that the call made", () => {
    const unseen = "undo: { do: set_status, args: { id: after.id, status: =gone } }";
    expect(found("delete_ticket", "undo: create_ticket", (text) => created(text).replace("undo: delete_ticket", unseen))).toEqual([
      "`set_status` names no record, and this action leaves a `Ticket`",
    ]);
  });

  it("reads neither what was before where that is not loaded, nor what came after where nothing says it", () => {
    const mute = (text: string): string => text.replace(UPDATE, "    resource: { type: Ticket, id: args.id, before: get_ticket }\n");
    expect(found("update_ticket", "undo: { do: update_ticket, args: { id: args.id, status: after.status } }", mute)).toEqual([
      "`after.status`, and the record as the call leaves it is not known",
    ]);
    expect(found("bulk_close", "undo: { do: update_ticket, args: { id: before.id } }")).toContain(
      "`before.id`, and the record is not loaded before",
    );
    const verb = (text: string): string =>
      text.replace(
        "  bulk_close:\n",
        `  close: { is: "tickets:shut", effect: write, args: { id: string }, resource: { type: Ticket, id: args.id, before: get_ticket }, undo: { do: update_ticket, args: { id: args.id, status: before.status } } }\n  bulk_close:\n`,
      );
    expect(found("update_ticket", "undo: update_ticket", verb)).toEqual([
      "neither the answer nor the arguments of this action say how it leaves the record",
    ]);
  });
});
