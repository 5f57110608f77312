import type { Json, JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import { concealedFrom } from "./approvals/conceal.ts";
import type { RestPorts } from "./ports.ts";
import type { Principal } from "./principal.ts";

const object = z.record(z.string(), z.json());
const operationSchema = z.object({ tool: z.string(), kind: z.enum(["tool", "resource", "prompt"]), name: z.string() });
/** Members of a call's facts that hold values of the tool's: arguments, the record before and after, the arguments of a lookup. */
const valuesSchema = z.object({
  args: object.optional(),
  lookup: object.optional(),
  after: object.optional(),
  resource: z.object({ type: z.string(), id: z.string(), attributes: object }).optional(),
});
/** Of no operation: a name that no catalog has has no labels, so nothing can be told apart. */
const UNKNOWN = { tool: "", kind: "tool", name: "" } as const;

/** Whether a text of ours about a call tells nothing that is hidden from this person: it may name values that rules compare. */
export function tellsNoSecret(ports: Pick<RestPorts, "policy">, facts: JsonObject, principal: Principal): (text: string) => boolean {
  const { args, resource } = facts;
  const values = valuesSchema.safeParse({ args, resource });
  const operation = operationSchema.safeParse(facts["operation"]);
  if (!values.success || !operation.success) return () => false;
  const { hidden } = concealedFrom(ports.policy(), { operation: operation.data }, principal);
  const texts = [values.data.args ?? {}, values.data.resource?.attributes ?? {}].flatMap((each) => hidden(each)).flatMap(spellingsOf);
  // A part of one says something of it, as the domain of an address does.
  return (text) =>
    [...text.matchAll(/`([^`]+)`/gu)].every(([, said = ""]) => texts.every((secret) => !secret.includes(said) && !said.includes(secret)));
}

/** As it came, and as conditions write times. */
function spellingsOf(value: Json): readonly string[] {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return [text, ...(Number.isNaN(time) ? [] : [new Date(time).toISOString()])].filter((each) => each !== "");
}

/** What a person is shown of a call's facts: values whose labels the policy reveals to others only are masked, as they are in approvals. */
export function shownFacts(ports: Pick<RestPorts, "policy">, facts: JsonObject, principal: Principal): JsonObject {
  // What was signed holds the arguments once more; receipts have an address of their own. From their digest a short one could be guessed.
  const { args, lookup, after, resource, receipt: _, argsDigest: __, limits, ...rest } = facts;
  const values = valuesSchema.safeParse({ args, lookup, after, resource });
  // Values in a form that cannot be read cannot be masked.
  if (!values.success) return rest;
  const operation = operationSchema.safeParse(facts["operation"]);
  const concealed = concealedFrom(ports.policy(), { operation: operation.success ? operation.data : UNKNOWN }, principal);
  const own = values.data;
  return {
    ...rest,
    // One of them is what the call costs.
    ...(limits === undefined || concealed.hidesCost ? {} : { limits }),
    ...(own.args === undefined ? {} : { args: concealed.args(own.args) }),
    ...(own.lookup === undefined ? {} : { lookup: concealed.args(own.lookup) }),
    ...(own.after === undefined ? {} : { after: concealed.args(own.after) }),
    ...(own.resource === undefined
      ? {}
      : { resource: { ...concealed.record({ resource: own.resource }).resource, attributes: concealed.args(own.resource.attributes) } }),
  };
}
