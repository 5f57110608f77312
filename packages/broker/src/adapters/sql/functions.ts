const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/**
 * Functions of `pg_catalog` that a query may call: what they answer depends on their arguments (and on the time of the transaction) alone,
 * they change nothing, and none of them makes much out of little (`repeat`, `lpad`, `rpad`, `format`, `array_fill` do).
 */
export const SAFE_FUNCTIONS: ReadonlySet<string> = new Set([
  // Aggregates.
  ...words("count sum avg min max bool_and bool_or every array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg"),
  ...words(
    "stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_slope regr_intercept regr_r2 regr_count",
  ),
  ...words("mode percentile_cont percentile_disc bit_and bit_or any_value"),
  // Windows.
  ...words("row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value"),
  // Texts.
  ...words("lower upper initcap length char_length character_length octet_length substring substr left right trim btrim ltrim rtrim"),
  ...words("position strpos replace translate reverse split_part concat concat_ws starts_with overlay ascii chr md5 to_hex"),
  ...words("regexp_match regexp_replace regexp_like regexp_count regexp_substr regexp_instr regexp_split_to_array string_to_array"),
  ...words("array_to_string like_escape similar_to_escape quote_literal quote_nullable quote_ident normalize is_normalized"),
  // Numbers.
  ...words("abs ceil ceiling floor round trunc sign mod div power pow sqrt cbrt exp ln log log10 gcd lcm pi degrees radians"),
  ...words("sin cos tan asin acos atan atan2 width_bucket scale min_scale trim_scale"),
  // Times.
  ...words("now transaction_timestamp date_trunc date_part extract age make_date make_time make_timestamp make_timestamptz make_interval"),
  ...words("to_timestamp to_date to_char to_number timezone date_bin isfinite justify_days justify_hours justify_interval overlaps"),
  // JSON and arrays.
  ...words("to_json to_jsonb row_to_json json_build_object jsonb_build_object json_build_array jsonb_build_array json_object jsonb_object"),
  ...words("json_array_length jsonb_array_length json_typeof jsonb_typeof json_extract_path jsonb_extract_path json_extract_path_text"),
  ...words("jsonb_extract_path_text jsonb_set jsonb_insert jsonb_strip_nulls json_strip_nulls jsonb_pretty jsonb_exists"),
  ...words("array_length array_position array_positions array_append array_prepend array_cat array_remove array_replace cardinality"),
  ...words("array_ndims array_lower array_upper array_to_json num_nulls num_nonnulls"),
]);

/** Functions that answer rows; beside the others these may stand in `from`, and in a target list. */
export const SAFE_ROW_FUNCTIONS: ReadonlySet<string> = new Set([
  ...words("generate_series unnest json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text"),
  ...words("json_each json_each_text jsonb_each jsonb_each_text json_object_keys jsonb_object_keys regexp_matches"),
  ...words("regexp_split_to_table string_to_table"),
]);

/** Types that a value may be cast to. Not there: `regclass` and its kin, which look names up; `xml`; types of the database's own. */
export const SAFE_TYPES: ReadonlySet<string> = new Set(
  words("text varchar int2 int4 int8 numeric float4 float8 bool date time timetz timestamp timestamptz interval json jsonb uuid"),
);

/** `current_date` and its kin; not those that answer who is logged in where. */
export const SAFE_VALUE_FUNCTIONS: ReadonlySet<string> = new Set([
  "SVFOP_CURRENT_DATE",
  "SVFOP_CURRENT_TIME",
  "SVFOP_CURRENT_TIME_N",
  "SVFOP_CURRENT_TIMESTAMP",
  "SVFOP_CURRENT_TIMESTAMP_N",
  "SVFOP_LOCALTIME",
  "SVFOP_LOCALTIME_N",
  "SVFOP_LOCALTIMESTAMP",
  "SVFOP_LOCALTIMESTAMP_N",
]);
