/** Waits for the event loop to have polled once more. */
export interface AfterPoll {
  afterPoll(): void;
}

/** Added in the current turn. */
let added: AfterPoll[] = [];
/** Added before the last check phase, so that one poll has passed by the next. */
let polled: AfterPoll[] = [];
let scheduled = false;

/**
 * Calls back when everything was read that a poll after this one found to be there: in the check phase behind the next poll phase.
 *
 * What lies unread in the kernel when a callback runs is told in a later turn. Two reads of one socket never come in one turn: the data is
 * read, and what follows it, the end of the connection above all, shows in the next poll.
 */
export function afterNextPoll(waiter: AfterPoll): void {
  added.push(waiter);
  if (scheduled) return;
  scheduled = true;
  setImmediate(onCheck);
}

function onCheck(): void {
  const ready = polled;
  polled = added;
  added = [];
  scheduled = polled.length > 0;
  // An immediate that is made in a check phase runs in the next one, and with one pending the poll between them does not wait.
  if (scheduled) setImmediate(onCheck);
  for (const waiter of ready) waiter.afterPoll();
}
