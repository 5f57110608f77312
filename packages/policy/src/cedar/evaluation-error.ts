/** An expression failed in Cedar's terms: a missing attribute, a wrong type, an overflow. What that means is the algebra's business. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
}
