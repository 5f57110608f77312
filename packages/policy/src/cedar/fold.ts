import { compileExpression } from "./compile.ts";
import { NO_ENTITIES } from "./entities.ts";
import { environmentOf } from "./environment.ts";
import { EvaluationError } from "./evaluation-error.ts";
import type { Expr } from "./expression.ts";
import { EMPTY_RECORD, Uid } from "./value.ts";

const NOWHERE = new Uid("Nothing", "");
const NOTHING = environmentOf({ principal: NOWHERE, action: NOWHERE, resource: NOWHERE, context: EMPTY_RECORD }, NO_ENTITIES);

/** An expression over constants alone as its value, or as the failure that it always is. It must not read an entity. */
export function folded(expr: Expr): Expr {
  try {
    return { op: "value", value: compileExpression(expr)(NOTHING) };
  } catch (error) {
    if (error instanceof EvaluationError) return { op: "error", message: error.message };
    throw error;
  }
}
