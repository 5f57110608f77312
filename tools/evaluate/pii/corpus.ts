import { hash } from "node:crypto";
import { z } from "zod";
import type { FindingKind } from "../../../packages/broker/src/risk/content/index.ts";

/** A labelled text; `start` and `end` in characters of the text as JavaScript counts them. */
export interface Row {
  readonly text: string;
  readonly labels: readonly { readonly start: number; readonly end: number; readonly label: string }[];
  /** Half of the corpus the text belongs to, by its digest: rules were looked at on `dev` only. */
  readonly half: "dev" | "held-out";
}

/** The corpus' labels with a form of their own, and what we call them. */
export const KIND_OF_LABEL: Readonly<Record<string, FindingKind>> = {
  EMAIL_ADDRESS: "email",
  PHONE_NUMBER: "phone",
  CREDIT_CARD: "card",
  IBAN_CODE: "iban",
  US_SSN: "ssn",
  IP_ADDRESS: "ip",
  DOMAIN_NAME: "url",
};

const CORPUS = z.object({
  rows: z.array(
    z.object({ text: z.string(), spans: z.array(z.tuple([z.number().int().nonnegative(), z.number().int().positive(), z.string()])) }),
  ),
});

export function parseCorpus(
  content: string,
): { readonly ok: true; readonly rows: readonly Row[] } | { readonly ok: false; readonly why: string } {
  const parsed = CORPUS.safeParse(jsonOf(content));
  if (!parsed.success) return { ok: false, why: z.prettifyError(parsed.error) };
  const rows = parsed.data.rows.map(({ text, spans }): Row => {
    const place = placesOf(text);
    const labels = spans.map(([start, end, label]) => ({ start: place(start), end: place(end), label }));
    return { text, labels, half: Number.parseInt(hash("sha256", text).slice(0, 2), 16) % 2 === 0 ? "dev" : "held-out" };
  });
  return { ok: true, rows };
}

function jsonOf(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** The corpus counts code points, JavaScript UTF-16 units. */
function placesOf(text: string): (point: number) => number {
  if (!/[\u{10000}-\u{10ffff}]/u.test(text)) return (point) => point;
  const places: number[] = [];
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xff_ff ? 2 : 1) places.push(at);
  return (point) => places[point] ?? text.length;
}
