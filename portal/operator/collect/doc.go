// Package collect draws the console's pages of collection and of messages: who
// is followed for what is overdue and what comes next, one account's story, the
// ladders, the words of messages, the SMS gateway, and addresses that do not work.
//
// It owns the pages. It does not own the rules (billing/collection), what a
// service may do (billing/access) nor messages (billing/notice).
package collect
