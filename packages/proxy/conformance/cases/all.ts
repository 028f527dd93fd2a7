import type { Case } from "./case.ts";
import { CHUNKS } from "./chunks.ts";
import { CONNECTION } from "./connection.ts";
import { CONTENT_LENGTH } from "./content-length.ts";
import { FIELDS } from "./fields.ts";
import { HOSTS } from "./host.ts";
import { REQUEST_LINE } from "./request-line.ts";
import { TRANSFER_ENCODING } from "./transfer-encoding.ts";

/** The whole table. */
export const CASES: readonly Case[] = [
  ...CONTENT_LENGTH,
  ...TRANSFER_ENCODING,
  ...CHUNKS,
  ...FIELDS,
  ...REQUEST_LINE,
  ...HOSTS,
  ...CONNECTION,
];
