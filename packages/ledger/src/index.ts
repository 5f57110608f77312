export { canonicalize, type Canonical } from "./canonicalize.ts";
export {
  type ChainHead,
  type ChainRecord,
  chainVerifier,
  type ChainVerifier,
  genesis,
  recordHash,
  type Verdict,
  verifyChain,
} from "./chain.ts";
export { commit, commitText, digest, sha256 } from "./digest.ts";
