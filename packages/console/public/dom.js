/**
 * Makes an element. Every text goes in as text: nothing here, or anywhere on this page, turns a string into markup.
 * @param {string} name
 * @param {Record<string, string | boolean | undefined>} attributes
 * @param {...(Node | string | undefined)} children
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Terms and what is said of them; a term without a description is left out. */
export function pairs(entries) {
  const list = el("dl");
  for (const [term, description] of entries) {
    if (description !== undefined) list.append(el("dt", {}, term), el("dd", {}, description));
  }
  return list;
}

/** A value as people read it. */
export function shown(value) {
  if (value === undefined || value === null) return "(none)";
  if (typeof value === "string") return value === "" ? '""' : value;
  return JSON.stringify(value);
}

/** The rules that spoke, each with its place in the policy folder. */
export function ruleList(rules) {
  const list = el("span");
  for (const rule of rules) {
    list.append(
      el("span", { class: "rule" }, `${rule.kind} ${rule.id} `, el("code", {}, `${rule.at.file}:${rule.at.line}`), ` ${rule.reason}`),
      el("br"),
    );
  }
  return list;
}

/** Time left or gone, in the largest unit that still says something. */
export function relative(at) {
  const ms = new Date(at).getTime() - Date.now();
  const size = Math.abs(ms);
  const text =
    size < 90_000
      ? `${Math.round(size / 1000)} s`
      : size < 5_400_000
        ? `${Math.round(size / 60_000)} min`
        : `${Math.round(size / 3_600_000)} h`;
  return ms >= 0 ? `in ${text}` : `${text} ago`;
}

const SHAPES = { allow: "● allow", ask: "▲ ask", deny: "■ deny" };

/** A verdict by word and shape, not by colour alone. */
export function verdict(word) {
  return el("span", { class: `verdict ${word in SHAPES ? word : ""}` }, SHAPES[word] ?? word ?? "- none");
}
