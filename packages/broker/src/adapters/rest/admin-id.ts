import type { RestPorts } from "./ports.ts";

/** 128 bits cannot be met twice. */
const ID_BYTES = 16;

/** A call id for the record of an act that has no id of its own. */
export function adminId({ random }: Pick<RestPorts, "random">): string {
  return `adm_${Buffer.from(random(ID_BYTES)).toString("base64url")}`;
}
