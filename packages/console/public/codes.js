import { el } from "./dom.js";

/** Recovery codes as they are shown once, and the way on. */
export function codesShown(codes, goOn) {
  const list = el("ol", { class: "codes" }, ...codes.map((code) => el("li", {}, el("code", {}, code))));
  return [
    el(
      "p",
      {},
      el("b", {}, "Keep these recovery codes where you keep other secrets."),
      " Each signs you in once when no passkey is at hand. They are not shown again.",
    ),
    list,
    goOn,
  ];
}
