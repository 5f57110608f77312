import type { McpServer } from "@modelcontextprotocol/server";
import type { Pool } from "pg";
import { z } from "zod";
import { answer, answerOne, READS, WRITES } from "./answer.ts";
import { records, utc } from "./database.ts";
import { Article } from "./records.ts";

const COLUMNS = `id, tenant, title, body, ${utc("updated_at")} as updated_at`;
const HANDBOOK_URI = "kb://handbook/tone-of-voice";
const HANDBOOK_TEXT = "Answer within one day. Say what you did, what happens next and when. Never promise a refund.";

/** The knowledge base: articles as tools, the handbook as a resource, and the triage prompt. */
export function registerKnowledge(server: McpServer, pool: Pool): void {
  registerArticleReads(server, pool);
  server.registerTool(
    "write_article",
    {
      description: "Writes an article; an article with this id is replaced",
      inputSchema: z.object({ tenant: z.string(), id: z.string(), title: z.string(), body: z.string() }),
      outputSchema: Article,
      annotations: WRITES,
    },
    async ({ tenant, id, title, body }) => {
      await pool.query(
        "insert into article (tenant, id, title, body) values ($1, $2, $3, $4) on conflict (tenant, id) do update set title = $3, body = $4, updated_at = now()",
        [tenant, id, title, body],
      );
      return answerOne(await articleById(pool, tenant, id), `article \`${id}\``);
    },
  );
  server.registerResource("tone-of-voice", HANDBOOK_URI, { description: "How we write to customers", mimeType: "text/plain" }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: "text/plain", text: HANDBOOK_TEXT }],
  }));
  server.registerPrompt(
    "triage",
    { description: "How to triage one ticket", argsSchema: z.object({ ticket: z.string() }) },
    ({ ticket }) => ({
      messages: [{ role: "user", content: { type: "text", text: `Read ticket ${ticket}, set its status, and note who should take it.` } }],
    }),
  );
}

function registerArticleReads(server: McpServer, pool: Pool): void {
  server.registerTool(
    "list_articles",
    {
      description: "Lists the articles of the knowledge base",
      inputSchema: z.object({ tenant: z.string().optional() }),
      outputSchema: z.object({ articles: z.array(Article) }),
      annotations: READS,
    },
    async ({ tenant }) =>
      answer({
        articles: await records(pool, Article, `select ${COLUMNS} from article where ($1::text is null or tenant = $1) order by id`, [
          tenant,
        ]),
      }),
  );
  server.registerTool(
    "search_articles",
    {
      description: "Finds articles whose title or text contains the words",
      inputSchema: z.object({ tenant: z.string().optional(), query: z.string() }),
      outputSchema: z.object({ articles: z.array(Article) }),
      annotations: READS,
    },
    async ({ tenant, query }) =>
      answer({
        articles: await records(
          pool,
          Article,
          `select ${COLUMNS} from article where ($1::text is null or tenant = $1) and strpos(lower(title || ' ' || body), lower($2)) > 0 order by id`,
          [tenant, query],
        ),
      }),
  );
  server.registerTool(
    "get_article",
    {
      description: "Reads one article",
      inputSchema: z.object({ tenant: z.string(), id: z.string() }),
      outputSchema: Article,
      annotations: READS,
    },
    async ({ tenant, id }) => answerOne(await articleById(pool, tenant, id), `article \`${id}\``),
  );
}

function articleById(pool: Pool, tenant: string, id: string): Promise<z.output<typeof Article>[]> {
  return records(pool, Article, `select ${COLUMNS} from article where tenant = $1 and id = $2`, [tenant, id]);
}
