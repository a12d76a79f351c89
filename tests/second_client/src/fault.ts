/** What another party sent breaks a rule of docs/protocol.md. `code` names the rule. */
export class Fault extends Error {
  readonly code: string

  constructor(code: string, detail = "") {
    super(detail ? `${code}: ${detail}` : code)
    this.code = code
  }
}

/** Throws a `Fault` with this code, unless the condition holds. */
export function demand(condition: boolean, code: string, detail = ""): asserts condition {
  if (!condition) throw new Fault(code, detail)
}
