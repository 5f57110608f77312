/** The newest signed checkpoint. */
export const CHECKPOINT_FILE = "checkpoint";
/** Every checkpoint of the export, one a line, smallest first. */
export const CHECKPOINTS_FILE = "checkpoints.jsonl";
/** Keys and witnesses as the log names them (C2SP tlog-policy); a convenience, nothing in it is believed. */
export const POLICY_FILE = "policy";
/** Where the records begin, when older ones were retired. */
export const BASE_FILE = "base.json";
/** Facts that are shown beside records. */
export const FACTS_FILE = "facts.jsonl";
