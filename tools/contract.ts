import { writeFile } from "node:fs/promises";
import { CONTRACT_FILE, contractText } from "./contract/contract-text.ts";

await writeFile(CONTRACT_FILE, await contractText());
