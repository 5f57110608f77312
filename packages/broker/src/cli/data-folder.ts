export {
  openOperatorKey,
  readBrokerFile,
  readOperatorKey,
  removeBrokerFile,
  writeBrokerFile,
  type BrokerFile,
} from "../config/data-folder.ts";
