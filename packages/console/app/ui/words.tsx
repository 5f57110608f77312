import { Code } from "./code.tsx";
import { Text } from "./untrusted.tsx";

/** A sentence of the broker's: what it puts in backticks are other people's words, and shown as such. */
export function Words({ children }: { readonly children: string }) {
  const parts = children.split("`");
  // With a backtick among those words nobody can tell which is which.
  if (parts.length % 2 === 0) return <Text>{children}</Text>;
  return (
    <>
      {/* oxlint-disable-next-line react/no-array-index-key -- the parts of one sentence have no other name */}
      {parts.map((part, at) => (at % 2 === 0 ? <Text key={at}>{part}</Text> : <Code key={at}>{part}</Code>))}
    </>
  );
}
