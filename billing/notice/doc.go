// Package notice keeps the messages that a stack sends to people: e-mail and
// SMS, in plain text, in the words and language of whoever sends them.
//
// It owns the messages and how far each is. It does not own the words (the
// senders' packages do), the mail server (infra/mail), or what programs are
// told (webhooks out).
//
// A message is stored in the transaction of what it tells of, and leaves by a
// job afterwards:
//
//	waiting ──Sent──> sent
//	        ──Failed─> failed
//	recorded (a sandbox's: it never leaves)
//
// Always true:
//   - A sandbox sends nothing: its messages are recorded.
//   - What was rolled back was never sent.
//   - A message may be sent twice if the process dies between the mail server's
//     answer and our note of it; it is never lost.
package notice
