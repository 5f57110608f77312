import {
  type ArgumentContent,
  type ContentDemand,
  type ContentKind,
  type Json,
  type JsonObject,
  REDACTED,
  type RuleRef,
} from "@bailiwick/policy";
import { type ContentMasking, kindsIn, maskedText } from "./content-tools.ts";
import { holdsLabelled, type LabelledMemory } from "./labelled.ts";
import { namedText } from "./naming.ts";
import { isObject } from "./paths.ts";
import { mapTexts } from "./texts.ts";
import { withTokens } from "./tokens.ts";
import type { CallPorts } from "./ports.ts";
import type { DecidedCall } from "./types.ts";
import { type ArgumentText, wordingFault } from "./wording.ts";

/** What the rules on texts say of a call's arguments. */
export type ContentAnswer =
  /** `args` are the ones that may be sent: the call's own object when nothing was masked. */
  | { readonly kind: "sendable"; readonly args: JsonObject }
  /** `shown` are the arguments as a record may hold them: without what was found. */
  | {
      readonly kind: "refused";
      readonly rule: RuleRef;
      readonly path?: string | undefined;
      readonly message: string;
      readonly shown: JsonObject;
    };

/**
 * Looks at the texts of the arguments as the decision demands: refuses what must not be sent, masks what may be sent masked. Every decision
 * passes here, also of arguments that a person edited, and of a call that waited.
 */
export async function contentOfArguments(
  ports: Pick<CallPorts, "maskSalt" | "tokens" | "labelled">,
  call: DecidedCall,
): Promise<ContentAnswer> {
  const demands = (call.decision.content ?? []).filter((demand) => demand.arguments.length > 0 || demand.wording !== undefined);
  if (demands.length === 0) return { kind: "sendable", args: call.args };
  const texts = textsOf(call.args, "args");
  for (const demand of demands) {
    const refused = refusedBy(ports.labelled, call, demand, texts);
    if (refused !== undefined) return refused;
  }
  const masks = demands.flatMap((demand) => demand.arguments.filter((each) => each.do !== "refuse"));
  if (masks.length === 0) return { kind: "sendable", args: call.args };
  for (const demand of demands) {
    const refused = unmaskable(call, demand);
    if (refused !== undefined) return refused;
  }
  const args = await withTokens(ports, call.session, (token) => maskedArguments(call.args, masks, { maskSalt: ports.maskSalt, token }));
  return { kind: "sendable", args };
}

/** Whether what the agent answers to a tool's question holds what the rules refuse in any argument: it leaves by the same door. */
export function mayAnswer(labelled: LabelledMemory, call: DecidedCall, answer: JsonObject): boolean {
  const texts = textsOf(answer, "args");
  return (call.decision.content ?? []).every((demand) => {
    const everywhere = demand.arguments.filter((each) => each.in === undefined);
    return (
      everywhere.length === 0 || refusedBy(labelled, call, { rule: demand.rule, arguments: everywhere, results: [] }, texts) === undefined
    );
  });
}

function refusedBy(
  memory: LabelledMemory,
  call: DecidedCall,
  demand: ContentDemand,
  texts: readonly ArgumentText[],
): ContentAnswer | undefined {
  for (const entry of demand.arguments) {
    if (entry.do !== "refuse") continue;
    for (const { path, text } of texts) {
      if (!isMeant(entry.in, path)) continue;
      const [kind] = kindsIn(text, entry.kinds, path.split(".").at(-1));
      if (kind !== undefined)
        return refusal(call, demand, path, `holds ${KIND_WORDS[kind]}, which \`${call.action.scope}\` must not be sent`, entry.kinds);
      const label = entry.labels.length === 0 ? undefined : labelIn(memory, call, text, entry.labels);
      if (label !== undefined) return refusal(call, demand, path, `holds a value labelled \`${label}\` that this run was shown`, []);
    }
  }
  const { wording } = demand;
  if (wording === undefined) return undefined;
  const fault = wordingFault(
    wording,
    texts.filter(({ path }) => isMeant(wording.in, path)),
  );
  return fault === undefined ? undefined : refusal(call, demand, fault.path, fault.what);
}

/** Where the run was shown a token of the value, the token is what it was shown. */
function labelIn(
  memory: LabelledMemory,
  { session, standIns = [] }: DecidedCall,
  text: string,
  labels: readonly string[],
): string | undefined {
  return (
    holdsLabelled(memory, session, text, labels) ??
    (standIns.length === 0 ? undefined : holdsLabelled(memory, session, namedText(text, standIns), labels))
  );
}

/** Numbers, names of members and what is cut into the items of a list cannot be masked: what a rule would mask there is not sent. */
function unmaskable(call: DecidedCall, demand: ContentDemand): ContentAnswer | undefined {
  for (const entry of demand.arguments) {
    if (entry.do === "refuse") continue;
    for (const { path, text } of textsOf(maskedArguments(call.args, [{ ...entry, do: "redact" }], NOTHING), "args")) {
      if (!isMeant(entry.in, path)) continue;
      const [kind] = kindsIn(text, entry.kinds);
      if (kind !== undefined)
        return refusal(
          call,
          demand,
          path,
          `holds ${KIND_WORDS[kind]} where it cannot be masked (a number, a name, the items of a list)`,
          entry.kinds,
        );
    }
  }
  return undefined;
}

function refusal(
  call: DecidedCall,
  demand: ContentDemand,
  path: string | undefined,
  what: string,
  kinds?: readonly ContentKind[],
): ContentAnswer {
  const { at, reason } = demand.rule;
  const subject = path === undefined ? "the text" : `argument \`${path.replace(/^args\./u, "")}\``;
  return {
    kind: "refused",
    rule: demand.rule,
    path,
    message: `${subject} ${what} (${at.file}:${at.line}: ${reason}); change it and call again`,
    shown: path === undefined || kinds === undefined ? call.args : withoutFound(call.args, path, kinds),
  };
}

const KIND_WORDS: Readonly<Record<ContentKind, string>> = {
  email: "an e-mail address",
  phone: "a phone number",
  card: "a card number",
  iban: "an account number (IBAN)",
  ssn: "a social security number",
  ip: "an IP address",
  url: "a link",
  secret: "a secret",
};

/** For `redact`, which needs neither. */
const NOTHING: ContentMasking = { maskSalt: "", token: () => REDACTED };

/** A path that a rule names stands for all inside it; no path for all. */
function isMeant(paths: readonly string[] | undefined, path: string): boolean {
  return paths === undefined || paths.some((each) => path === each || path.startsWith(`${each}.`));
}

/** Texts, numbers, names of members; and the texts of a list in one, since a value may be cut into its items. */
function textsOf(value: Json, path: string): readonly ArgumentText[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value === "number") return [{ path, text: String(value) }];
  if (typeof value !== "object" || value === null) return [];
  if (isList(value)) {
    const items = value.flatMap((item) => textsOf(item, path));
    const scalars = value.filter((item) => typeof item === "string" || typeof item === "number").map(String);
    return scalars.length < 2 ? items : [...items, { path, text: scalars.join("") }, { path, text: scalars.join(" ") }];
  }
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(path === "args" ? [] : [{ path, text: name }]),
    ...textsOf(inner, `${path}.${name}`),
  ]);
}

function isList(value: JsonObject | readonly Json[]): value is readonly Json[] {
  return Array.isArray(value);
}

function maskedArguments(args: JsonObject, masks: readonly ArgumentContent[], masking: ContentMasking): JsonObject {
  return masks.reduce(
    (left, { kinds, in: paths, do: measure }) =>
      measure === "refuse"
        ? left
        : mapTexts(left, "args", (text, path) =>
            isMeant(paths, path) ? maskedText(text, { kinds, measure, member: path.split(".").at(-1) }, masking, new Map()) : text,
          ),
    args,
  );
}

/** What a record of the refusal may hold: nothing at the place that was refused, and nothing of its kind elsewhere. */
function withoutFound(args: JsonObject, path: string, kinds: readonly ContentKind[]): JsonObject {
  const [, ...steps] = path.split(".");
  return mapTexts(
    blotted(args, steps),
    "args",
    (text, at) => maskedText(text, { kinds, measure: "redact", member: at.split(".").at(-1) }, NOTHING, new Map()),
    "and names",
  );
}

function blotted(value: JsonObject, steps: readonly string[]): JsonObject {
  const [step, ...rest] = steps;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]): readonly [string, Json] => {
      if (name !== step) return [name, inner];
      return [name, rest.length > 0 && isObject(inner) ? blotted(inner, rest) : REDACTED];
    }),
  );
}
