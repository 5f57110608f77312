import { z } from "@hono/zod-openapi";

/** Any JSON value. Its type is said by hand, because the document's generator does not end on a schema that contains itself. */
export const anyJsonSchema = z.json().openapi({ type: ["string", "number", "boolean", "object", "array", "null"] });
