import { endsWithCrc62, isBech32 } from "./checks.ts";

/** How a provider's secret is written: a prefix, and characters of one alphabet behind it. */
export interface SecretForm {
  /** For people, never a part of a value. */
  readonly what: string;
  readonly prefix: string;
  readonly alphabet: Alphabet;
  /** Characters behind the prefix; `most` is `least` when it is not given. */
  readonly least: number;
  readonly most?: number;
  /** Check digits, over the whole value. A value that fails them is still reported, as `shaped`. */
  readonly check?: (value: string) => boolean;
  /** What the rest must look like, when an alphabet and a length do not say it all. Anchored, without repetition of repetitions. */
  readonly rest?: RegExp;
}

/** `word` is base64url: letters, digits, `-` and `_`. `token` also has dots, `base64` also `+`, `/` and `=`. */
export type Alphabet = "hex" | "alnum" | "upper" | "word" | "token" | "base64";

/** As long as the longest of them may be: Dropbox' and Atlassian's tokens, macaroons, Slack's. */
const LONG = 512;

/** What providers document of their secrets, or what theirs have in common. Public halves (`pk_live_`, account names) are not secrets. */
export const SECRET_FORMS: readonly SecretForm[] = [
  // This product
  { what: "Bailiwick operator key", prefix: "bwop_", alphabet: "word", least: 43 },
  { what: "Bailiwick sign-in token", prefix: "bwps_", alphabet: "word", least: 43 },
  // Clouds
  { what: "AWS access key", prefix: "AKIA", alphabet: "upper", least: 16 },
  { what: "AWS temporary access key", prefix: "ASIA", alphabet: "upper", least: 16 },
  { what: "Google API key", prefix: "AIza", alphabet: "word", least: 35 },
  { what: "Google OAuth client secret", prefix: "GOCSPX-", alphabet: "word", least: 28 },
  { what: "Google access token", prefix: "ya29.", alphabet: "token", least: 30, most: LONG },
  { what: "Google refresh token", prefix: "1//0", alphabet: "word", least: 40, most: LONG },
  { what: "Azure storage key", prefix: "AccountKey=", alphabet: "base64", least: 86, most: 88 },
  { what: "DigitalOcean token", prefix: "dop_v1_", alphabet: "hex", least: 64 },
  { what: "DigitalOcean OAuth token", prefix: "doo_v1_", alphabet: "hex", least: 64 },
  { what: "DigitalOcean refresh token", prefix: "dor_v1_", alphabet: "hex", least: 64 },
  { what: "Fly.io token", prefix: "FlyV1 fm", alphabet: "base64", least: 40, most: LONG },
  { what: "Heroku key", prefix: "HRKU-", alphabet: "word", least: 36, most: 80 },
  { what: "Tailscale key", prefix: "tskey-", alphabet: "word", least: 30, most: 120 },
  { what: "Supabase token", prefix: "sbp_", alphabet: "hex", least: 40 },
  { what: "PlanetScale password", prefix: "pscale_pw_", alphabet: "token", least: 32, most: 64 },
  { what: "PlanetScale token", prefix: "pscale_tkn_", alphabet: "token", least: 32, most: 64 },
  { what: "Databricks token", prefix: "dapi", alphabet: "hex", least: 32 },
  { what: "Pulumi token", prefix: "pul-", alphabet: "hex", least: 40 },
  { what: "HashiCorp Vault token", prefix: "hvs.", alphabet: "word", least: 24, most: LONG },
  { what: "HashiCorp Vault batch token", prefix: "hvb.", alphabet: "word", least: 24, most: LONG },
  { what: "Doppler token", prefix: "dp.pt.", alphabet: "alnum", least: 40, most: 48 },
  { what: "age key", prefix: "AGE-SECRET-KEY-1", alphabet: "alnum", least: 58, check: isBech32 },
  // Git
  { what: "GitHub token", prefix: "ghp_", alphabet: "alnum", least: 36, check: endsWithCrc62 },
  { what: "GitHub OAuth token", prefix: "gho_", alphabet: "alnum", least: 36, check: endsWithCrc62 },
  { what: "GitHub app user token", prefix: "ghu_", alphabet: "alnum", least: 36, check: endsWithCrc62 },
  { what: "GitHub app token", prefix: "ghs_", alphabet: "alnum", least: 36, check: endsWithCrc62 },
  { what: "GitHub refresh token", prefix: "ghr_", alphabet: "alnum", least: 36, most: 76, check: endsWithCrc62 },
  { what: "GitHub fine-grained token", prefix: "github_pat_", alphabet: "word", least: 82 },
  { what: "GitLab token", prefix: "glpat-", alphabet: "token", least: 20, most: LONG },
  { what: "GitLab deploy token", prefix: "gldt-", alphabet: "token", least: 20, most: LONG },
  { what: "GitLab runner token", prefix: "glrt-", alphabet: "token", least: 20, most: LONG },
  { what: "GitLab trigger token", prefix: "glptt-", alphabet: "hex", least: 40 },
  { what: "Bitbucket app password", prefix: "ATBB", alphabet: "alnum", least: 32 },
  { what: "Atlassian token", prefix: "ATATT3", alphabet: "base64", least: 60, most: LONG },
  // Packages
  { what: "npm token", prefix: "npm_", alphabet: "alnum", least: 36, check: endsWithCrc62 },
  { what: "PyPI token", prefix: "pypi-AgE", alphabet: "word", least: 60, most: LONG },
  { what: "RubyGems key", prefix: "rubygems_", alphabet: "hex", least: 48 },
  { what: "crates.io token", prefix: "cio", alphabet: "alnum", least: 32 },
  { what: "Docker Hub token", prefix: "dckr_pat_", alphabet: "word", least: 27 },
  // Chat and mail
  ...["a", "b", "c", "d", "e", "p", "r", "s"].map((sort): SecretForm => ({
    what: "Slack token",
    prefix: `xox${sort}-`,
    alphabet: "word",
    least: 18,
    most: 280,
  })),
  { what: "Slack app token", prefix: "xapp-", alphabet: "word", least: 30, most: LONG },
  {
    what: "Slack webhook",
    prefix: "hooks.slack.com/services/",
    alphabet: "base64",
    least: 40,
    most: 80,
    rest: /^[TB][A-Z\d]{8,14}\/[TB][A-Z\d]{8,14}\/[A-Za-z\d]{20,}$/u,
  },
  { what: "Discord webhook", prefix: "discord.com/api/webhooks/", alphabet: "base64", least: 70, most: 120, rest: /^\d{17,20}\//u },
  { what: "SendGrid key", prefix: "SG.", alphabet: "token", least: 66, rest: /^[\w-]{22}\.[\w-]{43}$/u },
  { what: "Mailgun key", prefix: "key-", alphabet: "hex", least: 32 },
  { what: "Twilio key", prefix: "SK", alphabet: "hex", least: 32 },
  // Payment and shops
  { what: "Stripe key", prefix: "sk_live_", alphabet: "alnum", least: 24, most: 247 },
  { what: "Stripe test key", prefix: "sk_test_", alphabet: "alnum", least: 24, most: 247 },
  { what: "Stripe restricted key", prefix: "rk_live_", alphabet: "alnum", least: 24, most: 247 },
  { what: "Stripe webhook secret", prefix: "whsec_", alphabet: "base64", least: 32, most: 64 },
  { what: "Square token", prefix: "sq0atp-", alphabet: "word", least: 22 },
  { what: "Square secret", prefix: "sq0csp-", alphabet: "word", least: 43 },
  { what: "Shopify token", prefix: "shpat_", alphabet: "hex", least: 32 },
  { what: "Shopify app token", prefix: "shpca_", alphabet: "hex", least: 32 },
  { what: "Shopify private token", prefix: "shppa_", alphabet: "hex", least: 32 },
  { what: "Shopify shared secret", prefix: "shpss_", alphabet: "hex", least: 32 },
  // Models
  { what: "Anthropic key", prefix: "sk-ant-", alphabet: "word", least: 32, most: 160 },
  { what: "OpenAI key", prefix: "sk-", alphabet: "word", least: 40, most: 200 },
  { what: "Hugging Face token", prefix: "hf_", alphabet: "alnum", least: 34 },
  { what: "Groq key", prefix: "gsk_", alphabet: "alnum", least: 52 },
  // Work and watching
  { what: "Linear key", prefix: "lin_api_", alphabet: "alnum", least: 40 },
  { what: "Notion token", prefix: "ntn_", alphabet: "alnum", least: 46 },
  { what: "Figma token", prefix: "figd_", alphabet: "word", least: 40, most: 60 },
  { what: "Airtable token", prefix: "pat", alphabet: "token", least: 79, rest: /^[A-Za-z\d]{14}\.[\da-f]{64}$/u },
  { what: "Postman key", prefix: "PMAK-", alphabet: "word", least: 59, rest: /^[\da-f]{24}-[\da-f]{34}$/u },
  { what: "Grafana token", prefix: "glsa_", alphabet: "word", least: 41, rest: /^[A-Za-z\d]{32}_[\da-f]{8}$/u },
  { what: "New Relic key", prefix: "NRAK-", alphabet: "alnum", least: 27 },
  { what: "Sentry user token", prefix: "sntryu_", alphabet: "hex", least: 64 },
  { what: "Sentry token", prefix: "sntrys_", alphabet: "base64", least: 60, most: LONG },
  { what: "Dropbox token", prefix: "sl.", alphabet: "word", least: 120, most: 1_400 },
];
