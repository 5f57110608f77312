import type { ContentDemand, ContentRules } from "../content-rules.ts";
import type { Gate } from "../rules/rule.ts";
import type { RuleRef } from "../types.ts";

const texts = new WeakMap<ContentRules, string>();

/** Names what a rule demands of texts, so that equal demands have one name. */
export function contentKey(content: ContentRules | undefined): string {
  if (content === undefined) return "";
  const known = texts.get(content);
  if (known !== undefined) return known;
  const text = JSON.stringify(content);
  texts.set(content, text);
  return text;
}

/** Whether a gate says anything but what texts have to be like. */
export function saysMore({ content, approve, fields, limits, hours }: Gate): boolean {
  if (content === undefined || approve !== undefined || hours !== undefined) return true;
  return fields.hide.length + fields.mask.size + Object.keys(limits).length > 0;
}

/** How many demands on texts a rule makes. */
export function contentCount(content: ContentRules | undefined): number {
  return content === undefined ? 0 : content.arguments.length + content.results.length + (content.wording === undefined ? 0 : 1);
}

/** What these rules demand of texts, all of it together; undefined when nothing. */
export function contentDemands(
  rules: readonly { readonly ref: RuleRef; readonly content?: ContentRules | undefined }[],
): readonly ContentDemand[] | undefined {
  const demands = rules.flatMap(({ ref, content }) => (content === undefined ? [] : [demandOf(ref, content)]));
  return demands.length === 0 ? undefined : demands;
}

const demandsOfRules = new WeakMap<RuleRef, ContentDemand>();

/** One object for a rule, since what is made of it (patterns) is kept by it. */
function demandOf(rule: RuleRef, content: ContentRules): ContentDemand {
  const known = demandsOfRules.get(rule);
  if (known !== undefined) return known;
  const demand = { ...content, rule };
  demandsOfRules.set(rule, demand);
  return demand;
}

/** The demands of a delegate and of its delegator, each once. */
export function bothContents(
  own: readonly ContentDemand[] | undefined,
  above: readonly ContentDemand[] | undefined,
): readonly ContentDemand[] | undefined {
  if (own === undefined || above === undefined) return own ?? above;
  return [...new Set([...own, ...above])];
}
