import openapiTypescript, { astToString } from "openapi-typescript";

/** Types of an OpenAPI document's addresses, for the console's client. The same document always gives the same text. */
export async function contractTypes(document: string): Promise<string> {
  const types = await openapiTypescript(document, { alphabetize: true, defaultNonNullable: false, emptyObjectsUnknown: true });
  return `// Made from the broker's OpenAPI document by \`npm run contract\`; a test holds them together.\n${astToString(types)}`;
}
