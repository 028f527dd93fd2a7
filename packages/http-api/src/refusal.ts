/** The API refuses a request: the status, and a body that says what is wrong and what to do. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Longest text of a caller that a message repeats. */
const LONGEST_QUOTE = 100;

/** A caller's text within a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`);
}
