import type { CatalogTable, CatalogTool, FieldType } from "@bailiwick/policy";
import { quoted } from "./identifier.ts";

/** How a column holds its values, as far as it matters; `other` is shown whole and no condition speaks of it. */
export type ColumnKind =
  | "text"
  | "integer"
  | "bigint"
  | "numeric"
  | "float"
  | "boolean"
  | "timestamptz"
  | "date"
  | "json"
  | "list"
  | "other";

/** One column of a declared table: a field of its type that has no fields of its own. */
export interface Column {
  /** Dotted path of the field. */
  readonly field: string;
  readonly type: FieldType;
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A table with what is known of its columns. */
export interface SqlTable {
  readonly table: CatalogTable;
  readonly columns: readonly Column[];
}

/** The columns of a declared table, before anything is known of how they hold their values. */
export function declaredColumns({ types }: Pick<CatalogTool, "types">, { type, columns }: CatalogTable): readonly Omit<Column, "kind">[] {
  const leaves = (fields: Readonly<Record<string, FieldType>>, prefix: string): readonly Omit<Column, "kind">[] =>
    Object.entries(fields).flatMap(([key, of]) => {
      const field = `${prefix}${key.endsWith("?") ? key.slice(0, -1) : key}`;
      if (isRecord(of)) return leaves(of, `${field}.`);
      return [{ field, type: of, name: (Object.hasOwn(columns, field) ? columns[field] : undefined) ?? field }];
    });
  return leaves(types[type] ?? {}, "");
}

/** The table's name in SQL. */
export function relationOf({ schema, name }: CatalogTable): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

function isRecord(type: FieldType): type is { readonly [key: string]: FieldType } {
  return typeof type === "object" && !Array.isArray(type);
}
