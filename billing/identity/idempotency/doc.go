// Package idempotency keeps the answer of a command under the key that its
// caller gave it, so that a repeat is answered and not carried out.
//
// It owns stored answers. It does not own which commands take a key, nor what
// an answer looks like (api). Charging and usage need none of this: there the
// event's own key decides and the charge is the answer.
//
// Always true:
//   - A key belongs to one actor and one operation.
//   - The answer is stored in the transaction of what it tells of.
//   - Of two commands with one key at the same time, one waits for the other
//     and then has its answer.
//   - An answer of 500 or above is never stored: the next try is a fresh one.
//   - Answers are kept for 30 days of wall time, then the key is as good as new.
package idempotency
