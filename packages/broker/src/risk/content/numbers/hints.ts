import type { Group } from "./runs.ts";

/** What the words right before a number say it is. */
export type Hint = "phone" | "ssn" | "other" | undefined;

/** What the words before group `at` of its run say. */
export type HintAt = (at: number) => Hint;

/** How far back a word still speaks of a number. */
const MAX_BEFORE = 48;
const MAX_WORDS = 7;

// Beginnings of words, in the languages our users write; the nearest word that says something decides.
const PHONE =
  /^(?:phones?|tel|telephones?|telefon\p{L}*|telefono|teléfono|téléphone|mobiles?|mobil|móvil|movil|cell|cellphone|celular|cellulare|portable|handy|fax|pager|desk|landline|hotline|helpline|call|calls|called|calling|caller|ring|rang|dial|dialled|dialed|reach|reached|contact|text|texted|sms|whatsapp|signal|voicemail|message|messages|answering|registered|ph|mob|rufnummer|appelez|llame|llamar|chiamare|anrufen)$/u;
const SSN = /^(?:ssn|ssns|social|security|itin|tin)$/u;
const OTHER =
  /^(?:zip|zipcode|postcode|postal|plz|address\p{L}*|street|license|licence|passport|invoice|order|ref|reference|ticket|case|account|acct|card|date|dated|born|year|version|isbn|issn|serial|sku|part|page|pages|total|amount|price|id|uid|pid|usd|eur|gbp|tracking|customer|member|employee|policy|claim|model|room|flight|vat|tax|confirmation|transaction|routing|sort|patient|record|student|batch|item|product)$/u;
// `my number is`: a telephone number, unless a word before it says of what.
const NUMBER = /^(?:number|numbers|nummer|numéro|número|numero)$/u;

/** What the words before a run say, for its groups: looked up when first asked for, since there are no words within a run. */
export function hintsFor(text: string, run: readonly Group[]): HintAt {
  const begin = run[0]?.start ?? 0;
  let known: { readonly hint: Hint } | undefined;
  return (at) => {
    if ((run[at]?.start ?? 0) - begin > MAX_BEFORE) return undefined;
    known ??= { hint: hintBefore(text, begin) };
    return known.hint;
  };
}

function hintBefore(text: string, start: number): Hint {
  const words =
    text
      .slice(Math.max(0, start - MAX_BEFORE), start)
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [];
  const near = words.slice(-MAX_WORDS).toReversed();
  for (const word of near) {
    if (PHONE.test(word)) return "phone";
    if (SSN.test(word)) return "ssn";
    if (OTHER.test(word)) return "other";
  }
  return near.some((word) => NUMBER.test(word)) ? "phone" : undefined;
}
