import { cls } from "./classes.ts";

/** Controls, direction marks (Unicode bidirectional algorithm, UAX #9), zero widths, tags, private use, separators of lines and paragraphs. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
/** Fillers of Hangul, which are letters without a shape, and variation selectors, which can carry text that nobody sees. */
const SHAPELESS: readonly (readonly [first: number, last: number])[] = [
  [0x115f, 0x1160],
  [0x3164, 0x3164],
  [0xffa0, 0xffa0],
  [0xfe00, 0xfe0f],
  [0xe0100, 0xe01ef],
];
const EMOJI_STYLE = "\u{FE0F}";

/** Pieces of a text: what can be read, and what is written out because it hides or changes how other text looks. Line feed and tab stay. */
export function piecesOf(text: string): readonly { readonly text: string; readonly hidden: boolean }[] {
  const pieces: { text: string; hidden: boolean }[] = [];
  let before = "";
  for (const character of text) {
    const hidden = isHidden(character, before);
    const last = pieces.at(-1);
    if (!hidden && last !== undefined && !last.hidden) last.text += character;
    else pieces.push({ text: hidden ? `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}` : character, hidden });
    before = character;
  }
  return pieces;
}

function isHidden(character: string, before: string): boolean {
  if (character === "\n" || character === "\t") return false;
  if (character === EMOJI_STYLE && /\p{Extended_Pictographic}/u.test(before)) return false;
  const point = character.codePointAt(0) ?? 0;
  return HIDDEN.test(character) || SHAPELESS.some(([first, last]) => first <= point && point <= last);
}

/** Text that somebody else chose, with hidden characters written out. It goes in as text, whatever it says. */
export function Text({ children, className }: { readonly children: string; readonly className?: string | undefined }) {
  return (
    <bdi className={className}>
      {piecesOf(children).map((piece, at) =>
        piece.hidden ? (
          // oxlint-disable-next-line react/no-array-index-key -- the pieces of one text have no other name
          <span key={at} className="rounded bg-deny-tint px-0.5 font-mono text-[0.85em] text-deny" title="a hidden character">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
}

/** From here on it may have to be scrolled where it is narrow; then it must be reachable by keyboard. */
const LONG_CHARS = 150;

/** What an agent wrote in its own words: framed, named as untrusted, never mistaken for words of ours. */
export function Untrusted({ label, children }: { readonly label: string; readonly children: string }) {
  return (
    <figure className="rounded border-2 border-dashed border-ask bg-ask-tint px-3 py-2">
      <figcaption className="font-semibold text-ask">{label} (untrusted)</figcaption>
      <blockquote className={cls("max-h-60 overflow-auto whitespace-pre-wrap")} tabIndex={children.length > LONG_CHARS ? 0 : undefined}>
        <Text>{children}</Text>
      </blockquote>
    </figure>
  );
}
