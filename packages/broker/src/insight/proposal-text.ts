import { Document, YAMLMap } from "yaml";
import { printable } from "./printable.ts";
import type { ProposedAction } from "./propose-action.ts";

/** The entries under `actions:` of a tool's file, each effect marked as a guess for the reviewer. */
export function proposalText(proposals: readonly ProposedAction[]): string {
  const document = new Document({ actions: {} });
  for (const proposal of proposals) document.setIn(["actions", printable(proposal.name)], proposalNode(document, proposal));
  return document.toString({ lineWidth: 0 });
}

/** One entry, for a document that is being written. */
export function proposalNode(document: Document.Parsed | Document, proposal: ProposedAction): YAMLMap {
  const { is, effect, args, because, reviewed } = proposal;
  const marked = document.createNode(effect);
  marked.comment = ` REVIEW: ${because}`;
  const entry = new YAMLMap();
  for (const [key, value] of Object.entries({ is, effect: marked, args, reviewed })) entry.set(key, document.createNode(value));
  return entry;
}
