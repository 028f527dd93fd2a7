/** docker-compose.yml, as the tests see it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** The project's folder: paths in the file are relative to it. */
export const PROJECT: string = fileURLToPath(new URL("../..", import.meta.url));

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly entrypoint?: readonly string[];
  readonly command: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: Readonly<Record<string, { readonly ipv4_address: string }>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
}

export interface Composition {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** The text of a file of the project. */
export function projectFile(path: string): string {
  return readFileSync(`${PROJECT}/${path}`, "utf8");
}

export function parseComposition(text: string): Composition {
  return parse(text, { merge: true });
}
