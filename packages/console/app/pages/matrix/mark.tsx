import { cls } from "../../ui/classes.ts";
import { type MatrixMark, moreText } from "./filter.ts";

/** Filled: so for every call. Hollow: so for some, and refused or asked otherwise. */
const SHAPES = {
  allow: { always: "●", sometimes: "○", look: "text-allow" },
  ask: { always: "▲", sometimes: "△", look: "text-ask" },
  deny: { always: "■", sometimes: "□", look: "text-deny" },
} as const;

/** What an agent may do with an action, by shape and word, and what it may do beyond that for a time. */
export function Mark({ of }: { readonly of: MatrixMark }) {
  const { look, ...shapes } = SHAPES[of.verdict];
  const more = moreText(of);
  return (
    <span className={cls("leading-tight font-medium", look)}>
      <span aria-hidden="true">{shapes[of.when]}</span> {of.verdict}{" "}
      {more === undefined ? undefined : (
        <span className={cls("block text-xs", of.raised?.active === true ? "font-semibold text-ask" : "font-normal text-soft")}>
          {more}
        </span>
      )}
    </span>
  );
}

/** What the shapes mean. */
export function Legend() {
  return (
    <p className="mb-2 flex flex-wrap gap-x-4 text-soft">
      <span>● ▲ ■ for every call</span>
      <span>○ △ for some calls: open the cell for the conditions</span>
      <span>eligible: more with a role it may ask for</span>
    </p>
  );
}
