/** JSON paths of printer columns that show a condition. */
export function conditionPath(type: string): string {
  return `.status.conditions[?(@.type=="${type}")].status`;
}

export function reasonPath(type: string): string {
  return `.status.conditions[?(@.type=="${type}")].reason`;
}
