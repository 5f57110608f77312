import { ClientError } from "./client-error.ts";

/** Which records may be touched: by type, by dotted field path, the values that field may have. `{ Ticket: { id: ["T-17"] } }` is one ticket. */
export type Rows = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Takes away from one request what its session could do (`restrict` in its proof). */
export interface Restriction {
  /** Scopes (`tool:action`, `tool:*`, `tool:action:field`). Absent: all of the session. */
  readonly scope?: readonly string[] | undefined;
  readonly rows?: Rows | undefined;
}

/**
 * Both restrictions at once. Scopes and values that only one of them names fall away, so that nothing comes back by narrowing twice.
 * @throws ClientError `wish_impossible` when nothing would be left.
 */
export function narrower(outer: Restriction, inner: Restriction): Restriction {
  const scope = outer.scope === undefined || inner.scope === undefined ? (inner.scope ?? outer.scope) : common(outer.scope, inner.scope);
  const rows = outer.rows === undefined || inner.rows === undefined ? (inner.rows ?? outer.rows) : bothRows(outer.rows, inner.rows);
  return { ...(scope === undefined ? {} : { scope }), ...(rows === undefined ? {} : { rows }) };
}

function common(outer: readonly string[], inner: readonly string[]): readonly string[] {
  const left = new Set([
    ...inner.filter((asked) => outer.some((held) => covers(held, asked))),
    ...outer.filter((asked) => inner.some((held) => covers(held, asked))),
  ]);
  return required([...left], "scope");
}

function covers(held: string, asked: string): boolean {
  const [tool, action, field] = held.split(":");
  const [askedTool, askedAction, askedField] = asked.split(":");
  return tool === askedTool && (action === "*" || action === askedAction) && (field === undefined || field === askedField);
}

function bothRows(outer: Rows, inner: Rows): Rows {
  const rows: Record<string, Readonly<Record<string, readonly string[]>>> = { ...outer };
  for (const [type, fields] of Object.entries(inner)) {
    const merged: Record<string, readonly string[]> = { ...outer[type] };
    for (const [field, values] of Object.entries(fields)) {
      const held = merged[field];
      merged[field] =
        held === undefined
          ? values
          : required(
              values.filter((value) => held.includes(value)),
              `rows.${type}.${field}`,
            );
    }
    rows[type] = merged;
  }
  return rows;
}

function required(left: readonly string[], where: string): readonly string[] {
  if (left.length > 0) return left;
  throw new ClientError("wish_impossible", `narrowing leaves nothing of \`${where}\``, "narrow to what the connection still holds");
}
