// Package mail hands e-mails to the mail server that the host is set up with
// (SMTP, RFC 5321, with STARTTLS or TLS).
//
// It owns the connection and the form of the mail. It does not own the words
// (whoever sends) nor whether and when a message leaves (billing/notice and the
// agenda). SMS are infra/sms's: they are refused as undeliverable here.
//
// What can't be delivered comes back as a report (RFC 3464) to a return path that
// names the message; Listener takes it by LMTP or SMTP from the mail server.
//
// Always true:
//   - A password never goes over a connection that is not encrypted, except to
//     this machine.
//   - The Message-ID follows from the message's id, so that a mail sent twice
//     after a crash is recognised as one.
package mail
