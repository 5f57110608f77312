import type { JsonObject, Operation } from "@bailiwick/policy";

/** Takes the place of what nobody can filter. */
export const WITHHELD = "[withheld: this text could not be filtered for this agent]";

/** What an agent is told when the one record of an answer is not for it. Of a read the same where there is no such record. */
export const NO_RECORD = {
  read: "no such record is visible to this agent, or the tool failed",
  sent: "the call was sent and is recorded; the record as it is now is not visible to this agent, so do not repeat the call to see it",
} as const;

/** Takes the place of an error's own words, which may tell of the record. */
export const WITHHELD_ERROR = "the tool answered with an error; its text is withheld because this agent sees this data filtered";

/**
 * A result of the protocol's form for this kind of operation that holds these texts and nothing else: whatever a tool wrote around its
 * records (the address of a resource, annotations, a role) may tell of them.
 */
export function resultOf({ kind, name }: Operation, texts: readonly string[]): JsonObject {
  const blocks = texts.map((text) => ({ type: "text", text }));
  switch (kind) {
    case "tool":
      return { content: blocks };
    case "resource":
      return { contents: texts.map((text) => ({ uri: name, mimeType: "text/plain", text })) };
    case "prompt":
      return { messages: blocks.map((content) => ({ role: "user", content })) };
  }
}
