import type { ServerResponse } from "node:http";

/** A request as it arrived. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly token: string | undefined;
  /** The header `Accept`. */
  readonly accept: string;
}

/** A scripted answer of the server. `silence` never answers, `cut` closes the connection. */
export type ScriptedAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | "silence"
  | "cut";

/** Which requests get the scripted answer. */
export interface Fault {
  readonly matches: (request: RecordedRequest) => boolean;
  readonly next: () => ScriptedAnswer | undefined;
}

/** The scripted answers of a fake API server. */
export class ScriptedAnswers {
  readonly #faults = new Set<Fault>();

  /** @returns takes it back */
  add(fault: Fault): () => void {
    this.#faults.add(fault);
    return () => this.#faults.delete(fault);
  }

  /** Undefined where no answer is scripted. */
  to(request: RecordedRequest): ScriptedAnswer | undefined {
    for (const { matches, next } of this.#faults) {
      const answer = matches(request) ? next() : undefined;
      if (answer !== undefined) return answer;
    }
    return undefined;
  }
}

/** A refusal in the words of an API server. */
export function statusAnswer(status: number, message: string): ScriptedAnswer {
  return { status, body: { kind: "Status", apiVersion: "v1", status: "Failure", code: status, message } };
}

/** Answers a request, or leaves or cuts it as scripted. */
export function reply(response: ServerResponse, answer: ScriptedAnswer): void {
  if (answer === "silence") return;
  if (answer === "cut") {
    response.socket?.resetAndDestroy();
    return;
  }
  response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
  response.end(answer.body === undefined ? undefined : typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
}
