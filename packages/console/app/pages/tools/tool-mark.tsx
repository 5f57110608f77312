import { Badge } from "../../ui/badge.tsx";

const STATES = {
  reviewed: { shape: "●", tone: "allow" },
  quarantined: { shape: "■", tone: "deny" },
  absent: { shape: "○", tone: "ask" },
} as const;

/** How an operation stands, by word and shape. */
export function ToolMark({ of }: { readonly of: keyof typeof STATES }) {
  const { shape, tone } = STATES[of];
  return (
    <Badge tone={tone}>
      <span aria-hidden="true">{shape}</span> {of}
    </Badge>
  );
}
