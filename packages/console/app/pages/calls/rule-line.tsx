import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { Code } from "../../ui/code.tsx";
import { Text } from "../../ui/untrusted.tsx";

/** A rule: its kind, its id, where it stands, and its reason. Its id leads to the calls it decided. */
export function RuleLine({ rule }: { readonly rule: Schema<"Rule"> }) {
  const { kind, id, at, reason } = rule;
  return (
    <span>
      <Text>{kind}</Text>{" "}
      <Link to="/calls" search={{ rule: id }} title="calls that this rule decided">
        <Text>{id}</Text>
      </Link>
      , <Code>{`${at.file}:${at.line}`}</Code>
      {reason === "" ? undefined : (
        <span className="text-soft">
          : <Text>{reason}</Text>
        </span>
      )}
    </span>
  );
}
