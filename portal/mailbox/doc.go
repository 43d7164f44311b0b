// Package mailbox shows what a sandbox would have sent: its e-mails and SMS, as
// their recipients would see them.
//
// Whoever sees this page can read every code and link in it, so it is served by
// the demo only, and for sandboxes only. It owns no message (billing/notice).
package mailbox
