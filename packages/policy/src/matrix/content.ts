import type { ContentRules } from "../content-rules.ts";
import { DEFAULT_GATES_FILE } from "../load/default-gates.ts";
import type { Over, Said } from "./demands.ts";
import type { OpenGrant } from "./place.ts";

/** What texts of a call have to be like. A default gate as it ships is not repeated at every action. */
export function contentSaid({ rule }: OpenGrant, gates: readonly Over[]): Said {
  const over = gates.flatMap(({ gate: { content, ref }, on }) =>
    content === undefined || ref.at.file === DEFAULT_GATES_FILE ? [] : [{ ref, on, words: contentWords(content) }],
  );
  const own = rule.content === undefined ? [] : contentWords(rule.content);
  return {
    words: [...own, ...over.flatMap(({ words, on }) => words.map((each) => (on === undefined ? each : `${each} ${on}`)))],
    rules: over.map(({ ref }) => ref),
  };
}

const DONE = {
  refuse: "refuses",
  redact: "redacts",
  partial: "shortens",
  hash: "hashes",
  token: "tokenises",
  withhold: "withholds texts with",
};

function contentWords({ arguments: sent, results, wording }: ContentRules): readonly string[] {
  return [
    ...sent.map(({ kinds, labels, in: where, do: what }) => {
      const found = [...kinds, ...labels.map((label) => `@${label}`)].join(", ");
      return `${DONE[what]} ${found} in ${where?.join(", ") ?? "arguments"}`;
    }),
    ...results.map(({ kinds, in: where, do: what }) => `${DONE[what]} ${kinds.join(", ")} in ${where?.join(", ") ?? "results"}`),
    ...(wording === undefined ? [] : wordingWords(wording)),
  ];
}

function wordingWords(wording: NonNullable<ContentRules["wording"]>): readonly string[] {
  const { block, templates, links } = wording;
  const place = wording.in?.join(", ") ?? "arguments";
  return [
    ...(block.length === 0 ? [] : [`${place} never say ${quoted(block)}`]),
    ...(wording.require.length === 0 ? [] : [`${place} say ${quoted(wording.require)}`]),
    ...(templates.length === 0 ? [] : [`${place} fit one of ${String(templates.length)} templates`]),
    ...(links === undefined ? [] : [`${place} link only to ${links.join(", ") || "nothing"}`]),
  ];
}

function quoted(phrases: readonly string[]): string {
  return phrases.map((phrase) => JSON.stringify(phrase)).join(", ");
}
