import { expect } from "vitest";
import { z } from "zod";

export const tokenAnswer = z.object({
  access_token: z.string(),
  token_type: z.enum(["Bearer", "DPoP"]),
  expires_in: z.number(),
  scope: z.string(),
  session: z.string(),
  run: z.string(),
  session_key: z.string().optional(),
  refresh_token: z.string().optional(),
  authorization_details: z.array(z.record(z.string(), z.unknown())).optional(),
});
export type TokenAnswer = z.output<typeof tokenAnswer>;

const errorAnswer = z.object({ error: z.string(), error_description: z.string() });

/** The token of an answer that gives one. */
export async function given(response: Response): Promise<TokenAnswer> {
  const body: unknown = await response.json();
  expect(body).not.toHaveProperty("error");
  expect(response.status).toBe(200);
  return tokenAnswer.parse(body);
}

/** Expects an error and returns its sentence. */
export async function refused(response: Response, status: number, error: string): Promise<string> {
  const body = errorAnswer.parse(await response.json());
  expect({ status: response.status, error: body.error }).toEqual({ status, error });
  return body.error_description;
}
