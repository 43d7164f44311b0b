// Package mail hands e-mails to the mail server that the host is set up with
// (SMTP, RFC 5321, with STARTTLS or TLS).
//
// It owns the connection and the form of the mail. It does not own the words
// (whoever sends) nor whether and when a message leaves (billing/notice and the
// agenda). SMS have no gateway here: they are refused as undeliverable.
//
// Always true:
//   - A password never goes over a connection that is not encrypted, except to
//     this machine.
//   - The Message-ID follows from the message's id, so that a mail sent twice
//     after a crash is recognised as one.
package mail
